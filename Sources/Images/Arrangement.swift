extension Image {
  /// Every pixel as a square of `factor` times `factor`.
  public func enlarged(by factor: Int) -> Image {
    Image.require(factor > 0, "cannot enlarge by \(factor)")
    return factor == 1
      ? self : resized(width: width * factor, height: height * factor, filter: .nearest)
  }

  /// The rectangle of `width` times `height` whose upper left pixel is (`x`, `y`); it lies inside.
  public func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) -> Image {
    Image.require(
      x >= 0 && y >= 0 && newWidth > 0 && newHeight > 0 && x <= width - newWidth
        && y <= height - newHeight,
      "the crop \(newWidth)x\(newHeight) at (\(x), \(y)) is not inside \(width)x\(height)")
    var samples = [UInt8]()
    samples.reserveCapacity(newWidth * newHeight * channels)
    for row in y..<y + newHeight {
      let start = (row * width + x) * channels
      samples += pixels[start..<start + newWidth * channels]
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: samples)
  }

  /// The picture in the middle of a larger one; where the margin is odd, the right and the lower
  /// margin are the larger ones. `color` has one sample for all channels, or one for each.
  public func padded(width newWidth: Int, height newHeight: Int, color: [UInt8] = [0]) -> Image {
    Image.require(
      newWidth >= width && newHeight >= height,
      "cannot pad \(width)x\(height) to \(newWidth)x\(newHeight)")
    var result = Image(width: newWidth, height: newHeight, channels: channels, filledWith: color)
    result.place(self, x: (newWidth - width) / 2, y: (newHeight - height) / 2)
    return result
  }

  /// Copies a picture of as many channels into this one, its upper left pixel to (`x`, `y`).
  public mutating func place(_ image: Image, x: Int, y: Int) {
    Image.require(
      image.channels == channels && x >= 0 && y >= 0 && x <= width - image.width
        && y <= height - image.height,
      "\(image.width)x\(image.height)x\(image.channels) at (\(x), \(y)) is not inside "
        + "\(width)x\(height)x\(channels)")
    let row = image.width * channels
    for line in 0..<image.height {
      let target = ((y + line) * width + x) * channels
      pixels.replaceSubrange(
        target..<target + row, with: image.pixels[line * row..<(line + 1) * row])
    }
  }

  /// The picture in gray, by the luma weights of ITU-R 601 in Pillow's rounding; alpha is dropped.
  public func gray() -> Image {
    if channels == 1 { return self }
    var samples = [UInt8]()
    samples.reserveCapacity(width * height)
    for pixel in stride(from: 0, to: pixels.count, by: channels) {
      let (red, green, blue) = (pixels[pixel], pixels[pixel + 1], pixels[pixel + 2])
      let sum = Int(red) * 19595 + Int(green) * 38470 + Int(blue) * 7471 + 0x8000
      samples.append(UInt8(sum >> 16))
    }
    return Image(width: width, height: height, channels: 1, pixels: samples)
  }

  /// The picture in red, green and blue; alpha is dropped.
  public func rgb() -> Image {
    if channels == 3 { return self }
    var samples = [UInt8]()
    samples.reserveCapacity(width * height * 3)
    for pixel in stride(from: 0, to: pixels.count, by: channels) {
      for c in 0..<3 { samples.append(pixels[channels == 1 ? pixel : pixel + c]) }
    }
    return Image(width: width, height: height, channels: 3, pixels: samples)
  }

  /// The picture before a white wall: transparent pixels turn white, and alpha is gone.
  public func compositedOnWhite() -> Image {
    if channels != 4 { return self }
    var samples = [UInt8]()
    samples.reserveCapacity(width * height * 3)
    for pixel in stride(from: 0, to: pixels.count, by: 4) {
      let alpha = Int(pixels[pixel + 3])
      for c in 0..<3 {
        samples.append(UInt8((Int(pixels[pixel + c]) * alpha + 255 * (255 - alpha) + 127) / 255))
      }
    }
    return Image(width: width, height: height, channels: 3, pixels: samples)
  }

  /// Pictures side by side, row by row, `gap` pixels apart, in cells as large as the largest of
  /// them. Gray pictures turn to RGB where another one has colour, transparent ones are composited
  /// on white. `background` has one sample for all channels, or three.
  /// - Returns: nothing for no picture.
  public static func grid(
    _ images: [Image], columns: Int, gap: Int = 1, background: [UInt8] = [255]
  ) -> Image? {
    require(columns > 0 && gap >= 0, "no grid of \(columns) columns with gaps of \(gap)")
    var cells = images.map { $0.compositedOnWhite() }
    guard let cellWidth = cells.map(\.width).max(), let cellHeight = cells.map(\.height).max()
    else { return nil }
    if background.count > 1 || cells.contains(where: { $0.channels == 3 }) {
      cells = cells.map { $0.rgb() }
    }
    let columns = min(columns, cells.count)
    let rows = (cells.count + columns - 1) / columns
    var sheet = Image(
      width: columns * (cellWidth + gap) - gap, height: rows * (cellHeight + gap) - gap,
      channels: cells[0].channels, filledWith: background)
    for (index, cell) in cells.enumerated() {
      sheet.place(
        cell, x: index % columns * (cellWidth + gap) + (cellWidth - cell.width) / 2,
        y: index / columns * (cellHeight + gap) + (cellHeight - cell.height) / 2)
    }
    return sheet
  }
}

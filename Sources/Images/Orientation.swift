/// The EXIF orientation of a JPEG, 1...8; 1 (upright) where it is absent or damaged.
func exifOrientation(of jpeg: [UInt8]) -> Int {
  var position = 2
  while position + 4 <= jpeg.count, jpeg[position] == 0xFF {
    let marker = jpeg[position + 1]
    if marker == 0xFF {  // padding before a marker
      position += 1
      continue
    }
    // A scan begins: there are no notes after it.
    if marker == 0xDA || marker == 0xD9 { break }
    let length = Int(jpeg[position + 2]) << 8 | Int(jpeg[position + 3])
    let end = position + 2 + length
    guard length >= 2, end <= jpeg.count else { break }
    let segment = jpeg[position + 4..<end]
    if marker == 0xE1, segment.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) {  // "Exif"
      return orientation(inTIFF: Array(segment.dropFirst(6))) ?? 1
    }
    position = end
  }
  return 1
}

/// The value of tag 0x0112 in the first directory of a TIFF structure.
private func orientation(inTIFF bytes: [UInt8]) -> Int? {
  guard bytes.count >= 8, bytes[0] == bytes[1], bytes[0] == 0x49 || bytes[0] == 0x4D else {
    return nil
  }
  let little = bytes[0] == 0x49
  func number(_ start: Int, _ count: Int) -> Int? {
    guard start >= 0, start + count <= bytes.count else { return nil }
    let digits = bytes[start..<start + count]
    return (little ? digits.reversed() : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
  }
  guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
  for entry in 0..<entries {
    let start = directory + 2 + 12 * entry
    guard let tag = number(start, 2) else { return nil }
    if tag == 0x0112, let value = number(start + 8, 2), (1...8).contains(value) { return value }
  }
  return nil
}

extension Image {
  /// The picture turned and mirrored as EXIF orientation 1...8 asks.
  package func turned(by orientation: Int) -> Image {
    if orientation == 1 { return self }
    let swaps = orientation >= 5
    let (newWidth, newHeight) = swaps ? (height, width) : (width, height)
    // Where the first row and the first column of the result are taken from.
    let fromRight = [2, 3, 7, 8].contains(orientation)
    let fromBottom = [3, 4, 6, 7].contains(orientation)
    var turned = [UInt8]()
    turned.reserveCapacity(pixels.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (column, row) = swaps ? (y, x) : (x, y)
        turned +=
          self[
            fromRight ? width - 1 - column : column, fromBottom ? height - 1 - row : row]
      }
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: turned)
  }
}

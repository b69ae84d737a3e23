/// A picture: 8-bit samples in rows from the top, pixels from the left, channels interleaved.
public struct Image: Equatable, Sendable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Samples in a pixel: 1 (gray), 3 (red, green, blue) or 4 (with alpha, not premultiplied).
  public let channels: Int
  /// The samples; sample `c` of the pixel in column `x` of row `y` is
  /// `pixels[(y * width + x) * channels + c]`.
  public internal(set) var pixels: [UInt8]

  /// A picture of given samples. Sizes are positive, channels 1, 3 or 4, and there are
  /// `width * height * channels` samples: anything else is a mistake of the program, and stops it.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    Image.require(
      width > 0 && height > 0 && [1, 3, 4].contains(channels)
        && pixels.count == width * height * channels,
      "\(pixels.count) samples do not make a picture of \(width)x\(height)x\(channels)")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// A picture of one colour; `color` has one sample for all channels, or one for each.
  public init(width: Int, height: Int, channels: Int, filledWith color: [UInt8] = [0]) {
    Image.require(
      width > 0 && height > 0 && (color.count == 1 || color.count == channels),
      "a colour of \(color.count) samples does not fill \(width)x\(height)x\(channels)")
    var pixels = [UInt8](repeating: color[0], count: width * height * channels)
    if color.count > 1 {
      for i in pixels.indices { pixels[i] = color[i % channels] }
    }
    self.init(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// The samples of one pixel.
  public subscript(x: Int, y: Int) -> ArraySlice<UInt8> {
    let start = (y * width + x) * channels
    return pixels[start..<start + channels]
  }

  /// Stops the program with a sentence where it breaks a rule of this type.
  static func require(_ condition: Bool, _ sentence: @autoclosure () -> String) {
    if !condition { fatalError("Image: \(sentence()).") }
  }
}

internal import CImages

/// A font of colour bitmaps, such as Noto Color Emoji; its first bitmap size is used.
@safe public final class ColorFont {
  private let font: OpaquePointer

  /// Opens a font file.
  /// - Throws: `ImageError` if it is missing, no font, or has no colour bitmaps.
  public init(contentsOf path: String) throws(ImageError) {
    _ = try readFile(path)
    var opened: OpaquePointer?
    try unsafe checked(path) { error in
      unsafe opened = apus_font_open(path, error)
      return unsafe opened == nil ? APUS_MALFORMED : APUS_OK
    }
    // `checked` has thrown where there is none.
    unsafe font = opened!
  }

  deinit { unsafe apus_font_close(font) }

  /// The picture of one code point on white (RGB), or nothing where the font has none in colour.
  public func picture(of scalar: Unicode.Scalar) -> Image? {
    var (width, height) = (UInt32(0), UInt32(0))
    guard unsafe apus_font_load(font, scalar.value, &width, &height) == 1 else { return nil }
    var bitmap = [UInt8](repeating: 0, count: Int(width) * Int(height) * 4)
    unsafe apus_font_copy(font, &bitmap)
    var samples = [UInt8]()
    samples.reserveCapacity(bitmap.count / 4 * 3)
    // Blue, green, red, already multiplied by alpha: what alpha leaves free is white.
    for pixel in stride(from: 0, to: bitmap.count, by: 4) {
      let free = 255 - Int(bitmap[pixel + 3])
      for c in [2, 1, 0] { samples.append(UInt8(clamping: Int(bitmap[pixel + c]) + free)) }
    }
    return Image(width: Int(width), height: Int(height), channels: 3, pixels: samples)
  }
}

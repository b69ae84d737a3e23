internal import CImages

extension Image {
  /// The most pixels a file may have: beyond it lies an attack or a mistake, not training data.
  public static let maximumPixels = 100_000_000

  /// Reads a PNG, JPEG or WebP file; see `init(decoding:source:)`.
  public init(contentsOf path: String) throws(ImageError) {
    try self.init(decoding: readFile(path), source: path)
  }

  /// Decodes a PNG, JPEG or WebP picture, told apart by its first bytes.
  ///
  /// Gray stays gray; palettes, CMYK and anything else become RGB, or RGBA where something is
  /// transparent; of 16-bit samples the high byte counts. JPEG pictures are turned upright as
  /// their EXIF orientation says. Gamma and colour profiles are not applied.
  /// - Parameter source: how errors call the bytes.
  /// - Throws: `ImageError`, whatever the bytes are.
  public init(decoding bytes: [UInt8], source: String = "picture") throws(ImageError) {
    guard let format = ImageFormat(of: bytes) else {
      if bytes.isEmpty { throw .truncated(source: source, reason: "the file is empty") }
      throw .unrecognized(source: source)
    }
    let decoded = try Image(decoding: bytes, as: format, source: source)
    self = format == .jpeg ? decoded.turned(by: exifOrientation(of: bytes)) : decoded
  }

  private init(decoding bytes: [UInt8], as format: ImageFormat, source: String) throws(ImageError) {
    var size = apus_picture()
    try unsafe checked(source) { error in
      unsafe bytes.withUnsafeBufferPointer { input in
        switch format {
        case .png: unsafe apus_png_header(input.baseAddress, input.count, &size, error)
        case .jpeg: unsafe apus_jpeg_header(input.baseAddress, input.count, &size, error)
        case .webp: unsafe apus_webp_header(input.baseAddress, input.count, &size, error)
        }
      }
    }
    let (width, height) = (Int(size.width), Int(size.height))
    if width > Image.maximumPixels / height {
      throw .tooLarge(
        source: source,
        reason: "\(width)x\(height) pixels; at most \(Image.maximumPixels) in all are read")
    }
    var pixels = [UInt8](repeating: 0, count: width * height * Int(size.channels))
    try unsafe checked(source) { error in
      unsafe bytes.withUnsafeBufferPointer { input in
        unsafe pixels.withUnsafeMutableBufferPointer { output in
          switch format {
          case .png:
            unsafe apus_png_decode(input.baseAddress, input.count, &size, output.baseAddress, error)
          case .jpeg:
            unsafe apus_jpeg_decode(
              input.baseAddress, input.count, &size, output.baseAddress, error)
          case .webp:
            unsafe apus_webp_decode(
              input.baseAddress, input.count, &size, output.baseAddress, error)
          }
        }
      }
    }
    self.init(width: width, height: height, channels: Int(size.channels), pixels: pixels)
  }

  /// The picture as the bytes of a PNG file.
  /// - Parameter text: notes stored with it, such as the seed or the prompt. A key has 1 to 79
  ///   printable ASCII characters and no outer or double spaces; values are any text without zeros.
  /// - Throws: `ImageError.argument` for such a key or value.
  public func pngData(text: [String: String] = [:]) throws(ImageError) -> [UInt8] {
    var strings: [[CChar]] = []
    for (key, value) in text.sorted(by: { $0.key < $1.key }) {
      let printable = key.utf8.allSatisfy { (32...126).contains($0) }
      let spaced = key.hasPrefix(" ") || key.hasSuffix(" ") || key.utf8.elementsPair(32)
      guard (1...79).contains(key.utf8.count), printable, !spaced, !value.utf8.contains(0) else {
        throw .argument(
          reason: "\"\(key)\" cannot be stored in a PNG: keys are 1 to 79 printable ASCII"
            + " characters without outer or double spaces, and values hold no zero byte")
      }
      strings.append(key.utf8CString.map { $0 })
      strings.append(value.utf8CString.map { $0 })
    }
    var size = apus_picture(
      width: UInt32(width), height: UInt32(height), channels: UInt32(channels))
    // All strings in one array, and the address of each in it.
    let bytes = strings.flatMap { $0 }
    return try unsafe collected("PNG") { output, count, error in
      unsafe bytes.withUnsafeBufferPointer { base in
        var offset = 0
        var addresses: [UnsafePointer<CChar>?] = unsafe []
        for string in strings {
          unsafe addresses.append(base.baseAddress.map { unsafe $0 + offset })
          offset += string.count
        }
        return unsafe apus_png_encode(
          pixels, &size, addresses, text.count, output, count, error)
      }
    }
  }

  /// Writes the picture as a PNG file, under a temporary name first, so that the file is whole.
  public func write(to path: String, text: [String: String] = [:]) throws(ImageError) {
    try writeFile(pngData(text: text), to: path)
  }
}

enum ImageFormat {
  case png, jpeg, webp

  init?(of bytes: [UInt8]) {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8]) {
      self = .jpeg
    } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webp
    } else {
      return nil
    }
  }
}

extension String.UTF8View {
  /// Whether the byte occurs twice in a row.
  fileprivate func elementsPair(_ byte: UInt8) -> Bool {
    zip(self, dropFirst()).contains { $0 == byte && $1 == byte }
  }
}

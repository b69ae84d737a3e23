internal import CImages

/// What surrounds a deflate stream.
public enum DeflateContainer: Sendable {
  /// Nothing, as in zip archives.
  case raw
  /// Two bytes and an Adler-32 sum, as in PNG.
  case zlib
  /// A file header, a CRC-32 and the size; several may follow each other.
  case gzip

  var code: apus_container {
    switch self {
    case .raw: APUS_RAW
    case .zlib: APUS_ZLIB
    case .gzip: APUS_GZIP
    }
  }
}

/// Compression as in RFC 1950 to 1952.
public enum Deflate {
  /// The bytes that were compressed.
  /// - Parameters:
  ///   - limit: the most bytes to inflate: what is known about the content, or what memory bears.
  ///   - ignoringRest: whether other bytes may follow the first stream.
  ///   - source: how errors call the bytes.
  public static func inflate(
    _ bytes: [UInt8], from container: DeflateContainer, limit: Int, ignoringRest: Bool = false,
    source: String = "stream"
  ) throws(ImageError) -> [UInt8] {
    try unsafe collected(source) { output, count, error in
      unsafe apus_inflate(
        bytes, bytes.count, container.code, max(0, limit), ignoringRest ? 1 : 0, output, count,
        error)
    }
  }

  /// The first bytes that were compressed, at most `count`: fewer where the stream ends before.
  public static func inflatePrefix(
    _ bytes: [UInt8], from container: DeflateContainer, count: Int, source: String = "stream"
  ) throws(ImageError) -> [UInt8] {
    var output: UnsafeMutablePointer<UInt8>?
    var written = 0
    defer { unsafe apus_free(output) }
    do {
      try unsafe checked(source) { error in
        unsafe apus_inflate(
          bytes, bytes.count, container.code, max(0, count), 1, &output, &written, error)
      }
    } catch ImageError.tooLarge where written > count {
    } catch ImageError.truncated {
    }
    return unsafe Array(UnsafeBufferPointer(start: output, count: min(written, max(0, count))))
  }

  /// The bytes compressed.
  /// - Parameter level: 1 (fast) to 9 (small).
  public static func deflate(
    _ bytes: [UInt8], into container: DeflateContainer, level: Int = 6
  ) throws(ImageError) -> [UInt8] {
    guard (1...9).contains(level) else {
      throw .argument(reason: "compression levels are 1 to 9, not \(level)")
    }
    return try unsafe collected("stream") { output, count, error in
      unsafe apus_deflate(bytes, bytes.count, container.code, Int32(level), output, count, error)
    }
  }

  /// The CRC-32 of zip, gzip and PNG; `start` is the value of the bytes before these.
  public static func crc32(_ bytes: [UInt8], after start: UInt32 = 0) -> UInt32 {
    unsafe apus_crc32(start, bytes, bytes.count)
  }

  /// The same of bytes that are lent.
  public static func crc32(_ bytes: UnsafeRawBufferPointer, after start: UInt32 = 0) -> UInt32 {
    guard let address = bytes.baseAddress else { return start }
    return unsafe apus_crc32(start, address.assumingMemoryBound(to: UInt8.self), bytes.count)
  }
}

/// Files in gzip format.
public enum Gzip {
  /// The bytes of a gzip file, all its members one after the other; see `Deflate.inflate`.
  public static func inflate(
    _ bytes: [UInt8], limit: Int, source: String = "gzip file"
  ) throws(ImageError) -> [UInt8] {
    try Deflate.inflate(bytes, from: .gzip, limit: limit, source: source)
  }

  /// Reads and inflates a gzip file.
  public static func contents(of path: String, limit: Int) throws(ImageError) -> [UInt8] {
    try inflate(readFile(path), limit: limit, source: path)
  }
}

import Images
import Testing

@Suite("Compression")
struct CompressionTests {
  static let text = Array(
    String(repeating: "a swift flies without ever landing; ", count: 400).utf8)

  @Test(
    "What is deflated inflates to the same",
    arguments: [DeflateContainer.raw, .zlib, .gzip], [1, 6, 9])
  func roundTrip(container: DeflateContainer, level: Int) throws {
    for bytes in [[], [7], Self.text] {
      let packed = try Deflate.deflate(bytes, into: container, level: level)
      #expect(try Deflate.inflate(packed, from: container, limit: bytes.count) == bytes)
    }
  }

  @Test("Every cut of a stream is called cut")
  func cut() throws {
    let packed = try Deflate.deflate(Array(Self.text[..<300]), into: .gzip)
    for count in 1..<packed.count {
      #expect(
        throws: ImageError.truncated(
          source: "s", reason: "the compressed stream ends too early")
      ) { try Gzip.inflate(Array(packed[..<count]), limit: 300, source: "s") }
    }
  }

  @Test("A stream over its limit is refused, however small it is packed")
  func limit() throws {
    let packed = try Deflate.deflate([UInt8](repeating: 0, count: 1_000_000), into: .zlib)
    #expect(try Deflate.inflate(packed, from: .zlib, limit: 1_000_000).count == 1_000_000)
    #expect(
      throws: ImageError.tooLarge(
        source: "bomb", reason: "it inflates to more bytes than allowed")
    ) { try Deflate.inflate(packed, from: .zlib, limit: 999_999, source: "bomb") }
  }

  @Test("Damage is found by the checksum")
  func damage() throws {
    var packed = try Deflate.deflate(Self.text, into: .gzip)
    packed[packed.count - 6] ^= 1
    #expect(throws: ImageError.self) { try Gzip.inflate(packed, limit: Self.text.count) }
    #expect(throws: ImageError.self) { try Gzip.inflate([0x1F, 0x8B, 9, 9], limit: 10) }
  }

  @Test("Members of a gzip file follow each other")
  func members() throws {
    let packed = try Deflate.deflate([1, 2], into: .gzip) + Deflate.deflate([3], into: .gzip)
    #expect(try Gzip.inflate(packed, limit: 3) == [1, 2, 3])
  }

  @Test("CRC-32 has its check value, in pieces too")
  func crc() {
    #expect(Deflate.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(
      Deflate.crc32(Array("6789".utf8), after: Deflate.crc32(Array("12345".utf8))) == 0xCBF4_3926)
  }

  @Test("Levels outside 1 to 9 are refused")
  func levels() {
    #expect(throws: ImageError.argument(reason: "compression levels are 1 to 9, not 10")) {
      try Deflate.deflate([1], into: .raw, level: 10)
    }
  }
}

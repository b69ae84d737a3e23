import Foundation
import Images
import TestSupport
import Testing

@Suite("Decoding fixtures")
struct DecodingFixturesTests {
  @Test("The project's own fixtures are there", .enabled(if: Fixture.areOwn))
  func present() { #expect(!ImageFixtures.all.isEmpty) }

  @Test("Every picture decodes to the pixels of the reference", arguments: ImageFixtures.all)
  func decodes(fixtures: ImageFixtures) throws {
    let expected = try fixtures.tensors("decode.safetensors")
    for (name, value) in try fixtures.index().decode {
      let image = try Image(contentsOf: fixtures.path("decode/" + name))
      let pixels = try #require(expected[name]).bytes
      #expect([image.height, image.width] == Array(value.shape[..<2]), "\(name)")
      #expect((image.channels == 4) == (value.shape[2] == 4), "\(name): alpha")
      let samples = image.channels == 1 ? image.rgb().pixels : image.pixels
      #expect(samples.count == pixels.count, "\(name)")
      let worst = zip(samples, pixels).map { abs(Int($0) - Int($1)) }.max()
      #expect(worst == 0, "\(name)")
    }
  }

  @Test("Malformed files are refused with a sentence, never a crash", arguments: ImageFixtures.all)
  func refuses(fixtures: ImageFixtures) throws {
    for (name, value) in try fixtures.index().malformed {
      let path = fixtures.path("malformed/" + name)
      do throws(ImageError) {
        _ = try Image(contentsOf: path)
        #expect(value.or?.hasPrefix("reads") == true, "\(name) was read: \(value.why)")
      } catch {
        #expect(error.description.contains(name) && !error.description.contains("\n"), "\(error)")
      }
    }
  }

  @Test("Cut and altered pictures throw or decode, and nothing else", arguments: ImageFixtures.all)
  func survivesDamage(fixtures: ImageFixtures) throws {
    var state: UInt64 = 7
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for name in try fixtures.index().decode.keys.sorted() {
      let bytes = [UInt8](
        try Data(contentsOf: fixtures.folder.appendingPathComponent("decode/" + name)))
      for _ in 0..<20 {
        var damaged = bytes
        for _ in 0...next() % 3 { damaged[next() % bytes.count] = UInt8(next() & 255) }
        if next() % 2 == 0 { damaged.removeLast(next() % bytes.count) }
        do throws(ImageError) {
          let image = try Image(decoding: damaged, source: name)
          #expect(image.pixels.count == image.width * image.height * image.channels)
        } catch {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }
}

@Suite("Files of pictures")
struct ImageFileTests {
  @Test("A missing file and a folder say so")
  func missing() {
    #expect(throws: ImageError.file(path: "/nowhere/a.png", reason: "no such file")) {
      try Image(contentsOf: "/nowhere/a.png")
    }
    #expect(throws: ImageError.file(path: "/tmp", reason: "a folder, not a file")) {
      try Image(contentsOf: "/tmp")
    }
  }

  @Test("Bytes of no picture are not recognized")
  func unknown() {
    #expect(throws: ImageError.unrecognized(source: "upload")) {
      try Image(decoding: [1, 2, 3, 4], source: "upload")
    }
    #expect(throws: ImageError.truncated(source: "picture", reason: "the file is empty")) {
      try Image(decoding: [])
    }
  }

  @Test("A lossless WebP picture keeps its pixels, a cut one is refused")
  func webp() throws {
    // 2x1 pixels, red and half transparent blue, written by WebPEncodeLosslessRGBA.
    let bytes = try #require(
      Data(
        base64Encoded: "UklGRiAAAABXRUJQVlA4TBMAAAAvAQAAEA8Q+z//D/yPChWI6H8AAA==")
    ).map { $0 }
    let image = try Image(decoding: bytes)
    #expect((image.width, image.height, image.channels) == (2, 1, 4))
    #expect(image.pixels == [255, 0, 0, 255, 0, 0, 255, 128])
    for count in 12..<bytes.count - 1 {
      #expect(throws: ImageError.self) { try Image(decoding: Array(bytes[..<count])) }
    }
  }
}

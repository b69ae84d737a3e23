import Foundation
import Images
import Testing

@Suite("Writing PNG")
struct PNGWritingTests {
  @Test("A picture comes back as it was written", arguments: [1, 3, 4])
  func roundTrip(channels: Int) throws {
    for (width, height) in [(1, 1), (7, 3), (64, 65)] {
      let image = noise(width: width, height: height, channels: channels)
      #expect(try Image(decoding: image.pngData()) == image)
    }
  }

  @Test("Notes are stored in chunks of text, ASCII plain and the rest as UTF-8")
  func text() throws {
    let image = Image(width: 1, height: 1, channels: 1)
    let bytes = try image.pngData(text: ["seed": "17", "prompt": "grüne Äpfel 🍏"])
    let chunks = self.chunks(of: bytes)
    #expect(chunks["tEXt"] == Array("seed\u{0}17".utf8))
    #expect(chunks["iTXt"] == Array("prompt\u{0}\u{0}\u{0}\u{0}\u{0}grüne Äpfel 🍏".utf8))
  }

  @Test("Notes come back, and hostile chunks are errors or nothing")
  func notes() throws {
    let image = Image(width: 2, height: 1, channels: 3)
    let text = ["seed": "17", "prompt": "grüne Äpfel 🍏", "apus": #"{"a":"\u0000"}"#]
    let bytes = try image.pngData(text: text)
    #expect(try Image.notes(ofPNG: bytes) == text)
    #expect(try Image.notes(ofPNG: image.pngData()) == [:])
    for end in 0..<bytes.count - 12 {
      #expect(throws: ImageError.self) { try Image.notes(ofPNG: Array(bytes[..<end])) }
    }
    // Every byte changed in every way that matters: an answer or an error.
    for place in bytes.indices {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var damaged = bytes
        damaged[place] = value
        _ = try? Image.notes(ofPNG: damaged)
      }
    }
    let huge = try image.pngData(text: ["a": String(repeating: "x", count: 2_000_000), "b": "y"])
    #expect(try Image.notes(ofPNG: huge) == ["b": "y"])
  }

  @Test(
    "Keys that PNG forbids are refused",
    arguments: ["", " seed", "seed ", "a  b", "ключ", String(repeating: "k", count: 80)])
  func wrongKeys(key: String) {
    #expect(throws: ImageError.self) {
      try Image(width: 1, height: 1, channels: 1).pngData(text: [key: "value"])
    }
  }

  @Test("A file is written whole, and replaces the old one")
  func write() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-png-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("a.png").path
    try noise(width: 3, height: 3, channels: 3).write(to: path)
    let second = noise(width: 9, height: 2, channels: 1)
    try second.write(to: path)
    #expect(try Image(contentsOf: path) == second)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
    #expect(throws: ImageError.self) { try second.write(to: "/nowhere/at/all.png") }
  }

  /// The content of each chunk by its name.
  private func chunks(of png: [UInt8]) -> [String: [UInt8]] {
    var chunks: [String: [UInt8]] = [:]
    var position = 8
    while position + 12 <= png.count {
      let length = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      let name = String(decoding: png[position + 4..<position + 8], as: UTF8.self)
      chunks[name] = Array(png[position + 8..<position + 8 + length])
      position += 12 + length
    }
    return chunks
  }
}

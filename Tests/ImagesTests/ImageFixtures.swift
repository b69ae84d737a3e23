import Foundation
import Images
import TestSupport

/// A folder of picture fixtures: `index.json`, `decode/`, `malformed/`, `sources/` and the expected pixels in safetensors
/// files.
struct ImageFixtures: Sendable, CustomStringConvertible {
  let folder: URL
  var description: String { folder.lastPathComponent }

  struct Index: Decodable {
    struct Decoding: Decodable { let shape: [Int] }
    struct Malformed: Decodable {
      let why: String
      let or: String?
    }
    struct Resizing: Decodable {
      let source, filter: String
      let width, height: Int
      let box: [Double]?
    }
    let decode: [String: Decoding]
    let malformed: [String: Malformed]
    let resize: [String: Resizing]
  }

  /// All such folders there.
  static let all = Fixture.places.map { ImageFixtures(folder: $0) }.filter {
    FileManager.default.fileExists(atPath: $0.path("decode.safetensors"))
      && FileManager.default.fileExists(atPath: $0.path("index.json"))
  }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func index() throws -> Index {
    try JSONDecoder().decode(
      Index.self, from: Data(contentsOf: folder.appendingPathComponent("index.json")))
  }

  /// The tensors of bytes in a safetensors file.
  func tensors(_ name: String) throws -> [String: (shape: [Int], bytes: [UInt8])] {
    let data = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    let length = data[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: Data(data[8..<8 + length]))
    var tensors: [String: (shape: [Int], bytes: [UInt8])] = [:]
    for (name, value) in header as? [String: [String: Any]] ?? [:] {
      guard value["dtype"] as? String == "U8", let shape = value["shape"] as? [Int],
        let range = value["data_offsets"] as? [Int]
      else { continue }
      tensors[name] = (shape, Array(data[8 + length + range[0]..<8 + length + range[1]]))
    }
    return tensors
  }
}

/// A picture that is no pattern: every sample from a counter.
func noise(width: Int, height: Int, channels: Int) -> Image {
  let samples = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * $0 / 7 + $0) }
  return Image(width: width, height: height, channels: channels, pixels: samples)
}

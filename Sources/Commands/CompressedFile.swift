import Documents
import Foundation

/// What `apus compress` writes: a line of JSON, then the code.
struct CompressedFile {
  /// The recipe of the model.
  var recipe: String
  /// The model's weights: CRC-32 of the checkpoint's tensors.
  var weights: UInt32
  /// What the model says the data are worth.
  var claimedBits: Double
  /// Of the data, its head included.
  var byteCount: Int
  var checksum: UInt32
  /// Bytes at the beginning that are stored as they are.
  var head: [UInt8]
  var code: [UInt8]

  private static let format = "apus-compressed-1"

  init(
    recipe: String, weights: UInt32, claimedBits: Double, byteCount: Int, checksum: UInt32,
    head: [UInt8], code: [UInt8]
  ) {
    self.recipe = recipe
    self.weights = weights
    self.claimedBits = claimedBits
    self.byteCount = byteCount
    self.checksum = checksum
    self.head = head
    self.code = code
  }

  func encoded() -> [UInt8] {
    let line = JSONValue.object([
      .init("format", .string(Self.format)), .init("recipe", .string(recipe)),
      .init("weights", .integer(Int(weights))), .init("claimed_bits", .number(claimedBits)),
      .init("bytes", .integer(byteCount)),
      .init("crc32", .integer(Int(checksum))),
      .init("head", .array(head.map { .integer(Int($0)) })),
    ])
    return line.encoded() + [10] + code
  }

  init(decoding bytes: [UInt8], path: String) throws(Failure) {
    let other = Failure(
      .invalid, "\(path) was not written by apus compress, or its beginning is damaged.")
    guard let end = bytes.prefix(1 << 16).firstIndex(of: 10),
      let value = try? JSONValue(parsing: Array(bytes[..<end])),
      value["format"]?.string == Self.format, let recipe = value["recipe"]?.string,
      let weights = value["weights"]?.integer.flatMap(UInt32.init(exactly:)),
      let bits = value["claimed_bits"]?.double, let count = value["bytes"]?.integer,
      let sum = value["crc32"]?.integer,
      let checksum = UInt32(exactly: sum), let head = value["head"]?.elements,
      count >= head.count, count < 1 << 40
    else { throw other }
    let numbers = head.compactMap { $0.integer.flatMap(UInt8.init(exactly:)) }
    guard numbers.count == head.count else { throw other }
    self.init(
      recipe: recipe, weights: weights, claimedBits: bits, byteCount: count, checksum: checksum,
      head: numbers,
      code: Array(bytes[(end + 1)...]))
  }
}

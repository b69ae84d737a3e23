import Checkpoints
import Foundation
import Testing

/// Readers that are given damaged files must refuse them or read them: a trap ends the tests.
@Suite struct HostileFilesTests {
  /// Small, fast and the same everywhere.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// One to four damages: bits, bytes, numbers at their limits, cuts, insertions, moved blocks.
  private func damage(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      guard !bytes.isEmpty else { break }
      let at = Int.random(in: bytes.indices, using: &generator)
      let end = min(bytes.count, at + Int.random(in: 1...16, using: &generator))
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 2: for i in at..<end { bytes[i] = 0xFF }
      case 3: for i in at..<end { bytes[i] = [0, 1, 0x7F, 0x80].randomElement(using: &generator)! }
      case 4: bytes.removeSubrange(at..<end)
      case 5: bytes.insert(contentsOf: bytes[at..<end], at: at)
      case 6: bytes.removeSubrange(at...)
      default:
        let from = Int.random(in: bytes.indices, using: &generator)
        for i in 0..<min(end - at, bytes.count - from) { bytes[at + i] = bytes[from + i] }
      }
    }
    return bytes
  }

  @Test(
    "Damage of every kind is refused or read, never more",
    .enabled(if: !FormatFixtures.files("good").isEmpty), arguments: [1, 2, 3, 4])
  func fuzz(seed: UInt64) throws {
    var generator = Generator(state: seed)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var (refused, read) = (0, 0)
    for fixture in FormatFixtures.files("good") {
      let bytes = [UInt8](try Data(contentsOf: fixture.url))
      let url = folder.appendingPathComponent(fixture.url.lastPathComponent)
      for _ in 0..<60 {
        try Data(damage(bytes, &generator)).write(to: url)
        do {
          let file = try Checkpoint(url)
          for entry in file.entries {
            let content = try file.bytes(of: entry)
            #expect(content.count == entry.byteCount)
          }
          read += 1
        } catch {
          #expect("\(error)".contains(fixture.url.lastPathComponent) || error.refusal != nil)
          refused += 1
        }
      }
    }
    // Checks that see nothing would read far more.
    #expect(refused > read)
  }

  /// A pickle as the only content of a PyTorch archive.
  private func refusal(ofPickle pickle: [UInt8]) throws -> CheckpointError? {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).pth")
    defer { try? FileManager.default.removeItem(at: url) }
    try Data(pickle).write(to: url)
    do {
      _ = try Checkpoint(url)
      return nil
    } catch {
      return error
    }
  }

  @Test("Names that are not on the list are refused, however they are spelled")
  func names() throws {
    for name in [
      "os\nsystem", "nt\nsystem", "builtins\neval", "builtins\n__import__", "torch\nload",
      "torch\nStorage.__init__", "torch._utils\n_import_dotted_name", "torch\nset_default_device",
      "numpy.dtypes\nx.DType.y", "collections\nOrderedDict.fromkeys", "torch.storage\nos",
      "torch.serialization\nload", "operator\nattrgetter", "functools\npartial",
    ] {
      for pickle in ["\u{80}\u{2}c\(name)\n.", "(i\(name)\n.", "c\(name)\n)R."] {
        let bytes = pickle.unicodeScalars.map { UInt8($0.value) }
        #expect(try refusal(ofPickle: bytes)?.refusal == .unsafe, "\(name)")
      }
    }
  }

  @Test("Copies of copies end before memory does")
  func copies() throws {
    // A list of 50,000, then 20,000 lists made of it and changed.
    var pickle: [UInt8] = [0x80, 4] + Array("](".utf8) + [UInt8](repeating: 0x4E, count: 50_000)
    pickle += Array("eq\0".utf8) + Array("cbuiltins\nlist\nq\u{1}0".utf8)
    for _ in 0..<20_000 { pickle += Array("h\u{1}h\0".utf8) + [0x85] + Array("RNa".utf8) }
    #expect(try refusal(ofPickle: pickle + Array(".".utf8))?.refusal == .limit)
  }

  @Test("Objects that hold themselves, and what is nested without end, overflow no stack")
  func nesting() throws {
    let namespace = Array("cargparse\nNamespace\n".utf8)
    let own = [0x80, 2] + namespace + Array(")".utf8) + [0x81] + Array("q\0h\0b.".utf8)
    #expect(try refusal(ofPickle: own)?.refusal == .unsupported)
    var sizes: [UInt8] = [0x80, 2] + Array("ctorch\nSize\nq\0)R".utf8)
    for _ in 0..<100_000 { sizes += [0x85] + Array("q\u{1}0h\0h\u{1}R".utf8) }
    #expect(try refusal(ofPickle: sizes + Array(".".utf8)) != nil)
    let laughs =
      (0..<60).reduce([0x80, 2] + Array("]q\0".utf8)) { pickle, i in
        let last: [UInt8] = [0x68, UInt8(i)]
        return pickle + Array("](".utf8) + last + last + Array("eq".utf8) + [UInt8(i + 1)]
      }
    let zip = try archive(laughs + Array(".".utf8))
    #expect(zip?.refusal == .limit)
    let record = try archive(own)
    #expect(record == nil)
    let nested = try archive(sizes + Array(".".utf8))
    #expect(nested == nil || nested?.refusal == .limit)
  }

  /// What is said of a PyTorch archive with this pickle, whose entry is stored.
  private func archive(_ pickle: [UInt8]) throws -> CheckpointError? {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).pth")
    defer { try? FileManager.default.removeItem(at: url) }
    var writer = try ZipWriter(url)
    try writer.add("archive/data.pkl", pickle)
    try writer.finish()
    do {
      try Checkpoint(url).verify()
      return nil
    } catch {
      return error
    }
  }
}

import Datasets
import Foundation
import Testing

@Suite("Damaged data sets")
struct DamageTests {
  /// The files of every data set, below `/usr/share` and the like.
  private static let files: [String: [String]] = [
    "fashion-mnist": paths("datasets/fashion-mnist/", ["train", "t10k"]) {
      ["\($0)-images-idx3-ubyte.gz", "\($0)-labels-idx1-ubyte.gz"]
    },
    "wordnet-glosses": paths("wordnet/", ["noun", "verb", "adj", "adv"]) { ["data.\($0)"] },
    "verses": paths("sword/modules/texts/ztext/", ["engKJV2006eb", "spaRV1909eb"]) {
      ["\($0)/ot.bzs", "\($0)/ot.bzv", "\($0)/ot.bzz"]
        + ["\($0)/nt.bzs", "\($0)/nt.bzv", "\($0)/nt.bzz"]
    },
    "emoji": [
      "fonts/truetype/noto/NotoColorEmoji.ttf", "unicode/cldr/common/annotations/en.xml",
    ],
  ]

  private static func paths(
    _ folder: String, _ parts: [String], _ names: (String) -> [String]
  ) -> [String] {
    parts.flatMap { names($0).map { folder + $0 } }
  }

  @Test(
    "Every file that is cut short, empty or another one is found, and one command mends it",
    arguments: files.keys.filter(present).sorted())
  func cutShort(name: String) throws {
    let entry = try DatasetCatalog.entry(named: name)
    let files = try #require(Self.files[name])
    let scratch = try Scratch()
    for file in files { try scratch.write(systemFile(file), to: "system/" + file) }
    #expect(entry.status(in: scratch.places) == .present)
    #expect(entry.damage(in: scratch.places) == nil)
    for file in files {
      let path = scratch.path + "/system/" + file
      let whole = try systemFile(file)
      for count in [whole.count - 12, whole.count / 2, 5, 0] {
        try scratch.write(Array(whole.prefix(count)), to: "system/" + file)
        #expect(entry.status(in: scratch.places) == .damaged, "\(file) \(count)")
        // That a list of blocks is short may be seen by the blocks.
        let damaged = entry.damage(in: scratch.places)?.path
        #expect(damaged == path || damaged == path.replacing(".bzs", with: ".bzz"))
      }
      try scratch.write(Array("<html>not found</html>".utf8), to: "system/" + file)
      #expect(entry.status(in: scratch.places) == .damaged, "\(file)")
      try scratch.write(whole, to: "system/" + file)
    }
    #expect(entry.status(in: scratch.places) == .present)
    let command = name == "fashion-mnist" ? "apus data get fashion-mnist" : entry.howToMend
    #expect(entry.howToMend == command && !command.isEmpty)
  }

  private func systemFile(_ name: String) throws -> [UInt8] {
    let places = DataPlaces.standard
    let paths = places.systemFolders.map { $0 + "/" + name }
    return [UInt8](
      try #require(paths.lazy.compactMap { FileManager.default.contents(atPath: $0) }.first))
  }

  /// Files of the right sizes with nothing in them, and the same "on the web".
  private func emptySet(_ scratch: Scratch) throws -> DatasetEntry {
    var files: [Download.File] = []
    for (part, count) in [("train", 60_000), ("t10k", 10_000)] {
      let images = try idx([count, 28, 28], [UInt8](repeating: 0, count: count * 784))
      let labels = try idx([count], [UInt8](repeating: 0, count: count))
      for (name, bytes) in [("images-idx3", images), ("labels-idx1", labels)] {
        let name = "\(part)-\(name)-ubyte.gz"
        let path = try scratch.write(bytes, to: "web/" + name)
        files.append(.init(name: name, bytes: bytes.count, md5: try md5(path)))
      }
    }
    var entry = DatasetEntry.fashionMNIST
    entry.download = Download(sources: ["file://\(scratch.path)/web/"], files: files)
    return entry
  }

  private func md5(_ path: String) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    #if os(macOS)
      process.arguments = ["md5", "-q", path]
    #else
      process.arguments = ["md5sum", path]
    #endif
    process.standardOutput = output
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    return String(decoding: text, as: UTF8.self).prefix { $0.isHexDigit }.description
  }

  @Test("Getting a damaged set fetches what is damaged, in the cache and instead of the system's")
  func get() throws {
    let scratch = try Scratch()
    let entry = try emptySet(scratch)
    let cache = scratch.path + "/cache/fashion-mnist"
    var lines: [String] = []
    func get() throws -> DatasetEntry.Outcome {
      lines = []
      return try entry.get(in: scratch.places) { lines.append($0) }
    }
    #expect(try get() == .downloaded(folder: cache))
    #expect(try get() == .alreadyPresent)
    #expect(lines.count == 4 && lines.allSatisfy { $0.hasSuffix(" is there") })
    // Cut short: seen from outside. One changed byte: seen by its checksum.
    let labels = "/t10k-labels-idx1-ubyte.gz"
    let whole = try #require(FileManager.default.contents(atPath: cache + labels))
    try scratch.write([UInt8](whole.dropLast(9)), to: "cache/fashion-mnist" + labels)
    #expect(entry.status(in: scratch.places) == .damaged)
    #expect(try get() == .downloaded(folder: cache))
    #expect(lines.count { $0.hasPrefix("fetching") } == 1)
    #expect(entry.status(in: scratch.places) == .present)
    var changed = [UInt8](whole)
    changed[changed.count / 2] ^= 1
    try scratch.write(changed, to: "cache/fashion-mnist" + labels)
    #expect(try get() == .downloaded(folder: cache))
    #expect(FileManager.default.contents(atPath: cache + labels) == whole)
    // A damaged set of the system gives way to the whole one in the cache.
    let system = "system/datasets/fashion-mnist"
    for file in try FileManager.default.contentsOfDirectory(atPath: cache) {
      try scratch.write([1, 2, 3], to: system + "/" + file)
    }
    #expect(entry.status(in: scratch.places) == .present)
    #expect(try entry.folders(in: scratch.places) == [cache])
    try FileManager.default.removeItem(atPath: cache)
    #expect(entry.status(in: scratch.places) == .damaged)
    #expect(try get() == .downloaded(folder: cache))
    #expect(entry.status(in: scratch.places) == .present)
  }
}

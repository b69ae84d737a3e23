import Datasets
import Foundation
import Testing

@Suite("Catalog of data sets")
struct DatasetCatalogTests {
  @Test("Every entry is described, and names are unique")
  func entries() throws {
    let all = DatasetCatalog.all
    #expect(Set(all.map(\.name)).count == all.count && all.count >= 5)
    let scratch = try Scratch()
    for entry in all {
      #expect(!entry.summary.isEmpty && !entry.licence.isEmpty)
      let computed = entry.name == "toy"
      #expect(entry.howToGet.isEmpty == computed)
      #expect((entry.items == nil) == computed)
      #expect(entry.status(in: scratch.places) == (computed ? .present : .missing))
      #expect(try DatasetCatalog.entry(named: entry.name).name == entry.name)
    }
  }

  @Test("An unknown name is refused with the known ones")
  func unknown() {
    #expect(
      throws: DatasetError.argument(
        reason:
          "no data set \"mnist\"; there are fashion-mnist, wordnet-glosses, verses, emoji, toy")
    ) { try DatasetCatalog.entry(named: "mnist") }
  }

  @Test("The cache follows the environment")
  func cache() {
    #expect(DataPlaces(environment: ["APUS_CACHE": "/a", "HOME": "/h"]).cache == "/a")
    #expect(DataPlaces(environment: ["XDG_CACHE_HOME": "/x", "HOME": "/h"]).cache == "/x/apus")
    #expect(DataPlaces(environment: ["APUS_CACHE": "", "HOME": "/h"]).cache.hasPrefix("/h/"))
  }

  /// Two files on "the web", which is a folder here.
  private func web(_ scratch: Scratch, md5: String) throws -> Download {
    try scratch.write(Array("hello".utf8), to: "web/hello.gz")
    return Download(
      sources: ["file://\(scratch.path)/gone/", "file://\(scratch.path)/web/"],
      files: [.init(name: "hello.gz", bytes: 5, md5: md5)])
  }

  @Test("A download is checked, moved into place, and not repeated")
  func download() throws {
    let scratch = try Scratch()
    let download = try web(scratch, md5: "5d41402abc4b2a76b9719d911017c592")
    let folder = scratch.path + "/cache/x"
    var lines: [String] = []
    try download.fetch(into: folder, of: .fashionMNIST) { lines.append($0) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["hello.gz"])
    #expect(lines.count == 2 && lines[1].hasSuffix("/web/hello.gz, 5 bytes"))
    try download.fetch(into: folder, of: .fashionMNIST) { lines.append($0) }
    #expect(lines.last == "hello.gz is there")
    // A damaged copy is replaced.
    try scratch.write(Array("hellO".utf8), to: "cache/x/hello.gz")
    try download.fetch(into: folder, of: .fashionMNIST) { _ in }
    #expect(FileManager.default.contents(atPath: folder + "/hello.gz") == Data("hello".utf8))
  }

  @Test("A wrong checksum and a missing file leave nothing behind and say what happened")
  func wrongDownload() throws {
    let scratch = try Scratch()
    let download = try web(scratch, md5: "00000000000000000000000000000000")
    let folder = scratch.path + "/cache/x"
    #expect {
      try download.fetch(into: folder, of: .fashionMNIST) { _ in }
    } throws: { error in
      "\(error)".contains("expected 00000000000000000000000000000000")
        && "\(error)".contains("5d41402abc4b2a76b9719d911017c592")
        && "\(error)".contains("apus data get fashion-mnist")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

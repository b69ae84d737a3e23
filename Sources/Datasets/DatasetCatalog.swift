internal import Foundation

/// A data set that Apus knows by name: what it is, where it lies, how to get it.
public struct DatasetEntry: Sendable {
  /// Files that lie in one folder.
  struct Part: Sendable {
    /// The folder below `/usr/share` and the like.
    let systemFolder: String
    let files: [File]

    struct File: Sendable {
      let name: String
      let whole: WholeFile

      init(_ name: String, _ whole: WholeFile) { (self.name, self.whole) = (name, whole) }
    }

    /// The first file of a folder that is not whole, and what is wrong with it.
    func damage(in folder: String) -> (path: String, reason: String)? {
      for file in files {
        let path = folder + "/" + file.name
        if let reason = file.whole.problem(of: path) { return (path, reason) }
      }
      return nil
    }
  }

  public enum Status: String, Sendable {
    /// All of it is there.
    case present
    /// All files are there, but one is cut short or another one.
    case damaged
    /// It has to be fetched; a part of it may be inside the program.
    case missing
  }

  /// As in `--data NAME`.
  public let name: String
  /// What it is, in a sentence.
  public let summary: String
  /// How many items all of it has; nothing where they are drawn without end.
  public let items: Int?
  /// How many of them are inside the program.
  public let embeddedItems: Int
  public let licence: String
  let parts: [Part]
  /// The packages of Debian and its kin that carry it.
  let packages: [String]
  package var download: Download?

  /// The folders of all parts, in their order.
  /// - Throws: `DatasetError.missing` with all places looked in, if one is not there.
  package func folders(in places: DataPlaces) throws(DatasetError) -> [String] {
    var found: [String] = []
    var lookedIn: [String] = []
    for part in parts {
      if let folder = places.folder(of: part, of: name) {
        found.append(folder)
      } else {
        lookedIn += places.candidates(for: part, of: name).filter { !lookedIn.contains($0) }
      }
    }
    if found.count == parts.count { return found }
    throw .missing(name: name, lookedIn: lookedIn.map(shortened), mend: waysToGet(in: places))
  }

  /// Whether all files of it are there and look whole from outside; what is in them is checked when they are read.
  public func status(in places: DataPlaces = .standard) -> Status {
    guard let folders = try? folders(in: places) else { return .missing }
    return damage(in: folders) == nil ? .present : .damaged
  }

  /// The file that makes it damaged, and what is wrong with it.
  public func damage(in places: DataPlaces = .standard) -> (path: String, reason: String)? {
    (try? folders(in: places)).flatMap(damage)
  }

  private func damage(in folders: [String]) -> (path: String, reason: String)? {
    for (part, folder) in zip(parts, folders) {
      if let damage = part.damage(in: folder) { return damage }
    }
    return nil
  }

  /// The command that gets it; empty where there is nothing to get.
  public var howToGet: String { waysToGet(in: .standard).first.map(command) ?? "" }

  /// The command that mends a damaged one.
  public var howToMend: String {
    download != nil
      ? "apus data get \(name)" : hasApt ? aptInstall(packages, again: true) : howToGet
  }

  /// Commands with remarks, the best first.
  func waysToGet(in places: DataPlaces) -> [String] {
    if parts.isEmpty { return [] }
    var ways: [String] = []
    if hasApt { ways.append(aptCommand) }
    if let download {
      ways.append("apus data get \(name)        (\(download.megabytes) MB, checksum known)")
    }
    if ways.isEmpty {
      ways.append(
        "copy the files of Debian's \(packages.joined(separator: ", ")) to "
          + shortened(places.cache + "/" + name))
    }
    return ways
  }

  /// The command without the remark behind it.
  private func command(_ way: String) -> String {
    way.firstRange(of: "  ").map { String(way[..<$0.lowerBound]) } ?? way
  }

  var aptCommand: String { aptInstall(packages) }
}

/// The command that installs packages, those that are there too if they shall be replaced.
func aptInstall(_ packages: [String], again: Bool = false) -> String {
  (geteuid() == 0 ? "" : "sudo ") + "apt-get install " + (again ? "--reinstall " : "")
    + packages.joined(separator: " ")
}

/// Whether this system installs packages with apt.
let hasApt = Tool.path(of: "apt-get") != nil

/// All data sets that Apus knows by name.
public enum DatasetCatalog {
  public static let all: [DatasetEntry] = [.fashionMNIST, .wordNet, .verses, .emoji, .toy]

  /// The data set of this name.
  /// - Throws: `DatasetError.argument` with all names.
  public static func entry(named name: String) throws(DatasetError) -> DatasetEntry {
    if let entry = all.first(where: { $0.name == name }) { return entry }
    let names = all.map(\.name).joined(separator: ", ")
    throw .argument(reason: "no data set \"\(name)\"; there are \(names)")
  }
}

extension DatasetEntry {
  package static let fashionMNIST = DatasetEntry(
    name: "fashion-mnist",
    summary: "70,000 gray pictures of clothes, 28x28, ten classes (60,000 train, 10,000 test)",
    items: 70_000, embeddedItems: 11_000, licence: "MIT",
    parts: [
      Part(
        systemFolder: "datasets/fashion-mnist",
        files: Part.File.pictures("train", 60_000) + Part.File.pictures("t10k", 10_000))
    ],
    packages: ["dataset-fashion-mnist"], download: .fashionMNIST)

  package static let wordNet = DatasetEntry(
    name: "wordnet-glosses",
    summary: "definitions and examples of 117,659 English meanings, 9 MB of text",
    items: 117_659, embeddedItems: 3_922, licence: "WordNet 3.0",
    parts: [
      Part(
        systemFolder: "wordnet",
        files: [
          .init("data.noun", .bytes(15_300_280)), .init("data.verb", .bytes(2_772_517)),
          .init("data.adj", .bytes(3_155_427)), .init("data.adv", .bytes(516_696)),
        ])
    ],
    packages: ["wordnet-base"], download: nil)

  package static let verses = DatasetEntry(
    name: "verses",
    summary: "31,084 Bible verses in English (King James) and Spanish (Reina-Valera)",
    items: 31_084, embeddedItems: 0, licence: "public domain",
    parts: [
      Part(
        systemFolder: "sword/modules/texts/ztext",
        files: ["engKJV2006eb", "spaRV1909eb"].flatMap { module in
          // Both texts have the slots of the King James division.
          Part.File.testament("\(module)/ot", slots: 24_115)
            + Part.File.testament("\(module)/nt", slots: 8_246)
        })
    ],
    packages: ["sword-text-kjv", "sword-text-sparv"], download: nil)

  package static let emoji = DatasetEntry(
    name: "emoji",
    summary: "1,367 colour pictures of emoji with names and keywords in about 100 languages",
    items: 1_367, embeddedItems: 0, licence: "OFL 1.1 (pictures), Unicode-DFS-2016 (names)",
    parts: [
      Part(systemFolder: "fonts/truetype/noto", files: [.init("NotoColorEmoji.ttf", .font)]),
      Part(
        systemFolder: "unicode/cldr/common/annotations",
        files: [.init("en.xml", .text(beginning: "<?xml", end: "</ldml>"))]),
    ],
    packages: ["fonts-noto-color-emoji", "unicode-cldr-core"], download: nil)

  package static let toy = DatasetEntry(
    name: "toy",
    summary: "points in the plane with known densities: "
      + ToyDistribution.allCases.map(\.rawValue).joined(separator: ", "),
    items: nil, embeddedItems: 0, licence: "none needed: computed", parts: [], packages: [],
    download: nil)
}

extension DatasetEntry.Part.File {
  fileprivate static func pictures(_ part: String, _ count: Int) -> [Self] {
    [
      Self("\(part)-images-idx3-ubyte.gz", .gzip(content: 16 + 28 * 28 * count)),
      Self("\(part)-labels-idx1-ubyte.gz", .gzip(content: 8 + count)),
    ]
  }

  fileprivate static func testament(_ path: String, slots: Int) -> [Self] {
    [
      Self(path + ".bzs", .records(12)), Self(path + ".bzv", .records(10, count: slots)),
      Self(path + ".bzz", .swordBlocks),
    ]
  }
}

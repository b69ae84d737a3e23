internal import Foundation

/// A data set that Apus knows by name: what it is, where it lies, how to get it.
public struct DatasetEntry: Sendable {
  /// Files that lie in one folder.
  struct Part: Sendable {
    /// The folder below `/usr/share` and the like.
    let systemFolder: String
    let files: [String]
  }

  public enum Status: String, Sendable {
    /// All of it can be read.
    case present
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
  let download: Download?

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

  /// Whether all files of it are there; what is in them is checked when they are read.
  public func status(in places: DataPlaces = .standard) -> Status {
    (try? folders(in: places)) == nil ? .missing : .present
  }

  /// The command that gets it; empty where there is nothing to get.
  public var howToGet: String { waysToGet(in: .standard).first.map(command) ?? "" }

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

/// The command that installs packages.
func aptInstall(_ packages: [String]) -> String {
  (geteuid() == 0 ? "" : "sudo ") + "apt-get install " + packages.joined(separator: " ")
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
      Part(systemFolder: "datasets/fashion-mnist", files: Download.fashionMNIST.files.map(\.name))
    ],
    packages: ["dataset-fashion-mnist"], download: .fashionMNIST)

  package static let wordNet = DatasetEntry(
    name: "wordnet-glosses",
    summary: "definitions and examples of 117,659 English meanings, 9 MB of text",
    items: 117_659, embeddedItems: 3_922, licence: "WordNet 3.0",
    parts: [
      Part(systemFolder: "wordnet", files: ["data.noun", "data.verb", "data.adj", "data.adv"])
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
          ["ot", "nt"].flatMap { testament in
            ["bzs", "bzv", "bzz"].map { "\(module)/\(testament).\($0)" }
          }
        })
    ],
    packages: ["sword-text-kjv", "sword-text-sparv"], download: nil)

  package static let emoji = DatasetEntry(
    name: "emoji",
    summary: "1,367 colour pictures of emoji with names and keywords in about 100 languages",
    items: 1_367, embeddedItems: 0, licence: "OFL 1.1 (pictures), Unicode-DFS-2016 (names)",
    parts: [
      Part(systemFolder: "fonts/truetype/noto", files: ["NotoColorEmoji.ttf"]),
      Part(systemFolder: "unicode/cldr/common/annotations", files: ["en.xml"]),
    ],
    packages: ["fonts-noto-color-emoji", "unicode-cldr-core"], download: nil)

  package static let toy = DatasetEntry(
    name: "toy",
    summary: "points in the plane with known densities: "
      + ToyDistribution.allCases.map(\.rawValue).joined(separator: ", "),
    items: nil, embeddedItems: 0, licence: "none needed: computed", parts: [], packages: [],
    download: nil)
}

import ArgumentParser
import Datasets
import Documents
import Foundation
import Reports

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Lists, fetches and shows data sets.",
    subcommands: [DataList.self, DataGet.self, DataShow.self])
}

extension DatasetCatalog {
  /// The data set of this name.
  /// - Throws: a failure that suggests the name that was meant.
  static func known(_ name: String) throws(Failure) -> DatasetEntry {
    guard let entry = all.first(where: { $0.name == name }) else { throw unknown(name) }
    return entry
  }

  /// What to say of a name that no data set has.
  static func unknown(_ name: String) -> Failure {
    .unknownName(
      name, of: "data set", among: all.map(\.name), attempts: ["apus data list"])
  }
}

/// The names of data sets, for completion.
let datasetNames = CompletionKind.list(DatasetCatalog.all.map(\.name))

struct DataList: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the data sets: what they are, whether they are here, how to get them.")

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    let entries = DatasetCatalog.all.map { ($0, $0.status()) }
    if console.json {
      for (entry, status) in entries { try console.result(Self.json(entry, status)) }
      return
    }
    var table = Columns(.left, .left, .right, .left)
    table.add("name", "status", "items", "licence")
    for (entry, status) in entries {
      let items = entry.items.map(Wording.count) ?? "any"
      table.add(entry.name, status.rawValue, items, entry.licence)
    }
    var lines = table.lines
    lines[0] = console.output.paint(lines[0], .dim)
    let missing = entries.filter { $0.1 == .missing }.map(\.0)
    let damaged = entries.filter { $0.1 == .damaged }.map(\.0)
    if missing.count + damaged.count > 0 { lines.append("") }
    for entry in damaged {
      guard let (path, reason) = entry.damage() else { continue }
      lines.append("\(entry.name): \(entry.howToMend)        (\(path): \(reason))")
    }
    for entry in missing {
      let part =
        entry.embeddedItems > 0
        ? " (\(Wording.count(entry.embeddedItems)) items are inside the program)" : ""
      lines.append("\(entry.name): \(entry.howToGet)\(part)")
    }
    try console.result(lines.joined(separator: "\n"))
  }

  /// A data set as a line of `apus data list --json`.
  static func json(_ entry: DatasetEntry, _ status: DatasetEntry.Status) -> JSONValue {
    let isDamaged = status == .damaged
    var members: [JSONValue.Member] = [
      .init("name", .string(entry.name)),
      .init("status", .string(status.rawValue)),
      .init("items", entry.items.map(JSONValue.integer) ?? .null),
      .init("embedded_items", .integer(entry.embeddedItems)),
      .init("licence", .string(entry.licence)),
      .init("how_to_get", .string(isDamaged ? entry.howToMend : entry.howToGet)),
      .init("summary", .string(entry.summary)),
    ]
    if let (path, reason) = entry.damage() {
      members.append(.init("problem", .string("\(path): \(reason)")))
    }
    return .object(members)
  }
}

struct DataGet: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Brings a data set to this machine.",
    discussion: """
      Downloads it where its checksum is known, into APUS_CACHE (default: ~/.cache/apus), or \
      installs the packages of the system that carry it where the user may; otherwise it says \
      what to run.
      """)

  @Argument(help: "The data set, as in 'apus data list'.", completion: datasetNames)
  var name: String

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    let entry = try DatasetCatalog.known(name)
    let outcome: DatasetEntry.Outcome
    do {
      outcome = try entry.get { console.note($0) }
    } catch {
      guard case .file(let path, let reason) = error else { throw error }
      throw Failure(
        .unwritable, "\(path): \(reason).", attempts: ["APUS_CACHE=FOLDER apus data get \(name)"])
    }
    var members: [JSONValue.Member] = [.init("name", .string(name))]
    let text: String
    switch outcome {
    case .alreadyPresent:
      members.append(.init("outcome", .string("present")))
      text = "\(name) is here."
    case .downloaded(let folder):
      members.append(.init("outcome", .string("downloaded")))
      members.append(.init("folder", .string(folder)))
      text = "\(name) is now in \(folder)."
    case .installed(let packages):
      members.append(.init("outcome", .string("installed")))
      members.append(.init("packages", .array(packages.map(JSONValue.string))))
      text = "\(name) is now installed: \(packages.joined(separator: ", "))."
    case .needs(let command):
      throw Failure(
        .missing, "the data set \"\(name)\" has to be installed by an administrator.",
        attempts: [command])
    }
    if console.json {
      try console.result(.object(members))
    } else {
      try console.result(text)
    }
  }
}

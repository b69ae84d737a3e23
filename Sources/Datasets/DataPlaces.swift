internal import Foundation

/// Where data sets lie: the folders of the system, and a cache of the user's.
public struct DataPlaces: Sendable {
  /// Folders like `/usr/share`, in which packages of the system put data.
  public var systemFolders: [String]
  /// The user's own folder; each data set has a folder of its name in it.
  public var cache: String

  public init(systemFolders: [String], cache: String) {
    self.systemFolders = systemFolders
    self.cache = cache
  }

  /// The places of this machine. The system's folders are those of `XDG_DATA_DIRS`, else `/usr/share` (macOS: those of
  /// Homebrew). The cache is `APUS_CACHE`, else `XDG_CACHE_HOME/apus`, else `~/.cache/apus` (macOS:
  /// `~/Library/Caches/apus`).
  public static let standard = DataPlaces(environment: ProcessInfo.processInfo.environment)

  /// As `standard`, in another environment.
  public init(environment: [String: String]) {
    #if os(macOS)
      systemFolders = ["/opt/homebrew/share", "/usr/local/share"]
      let ownCache = "Library/Caches"
    #else
      systemFolders = ["/usr/share"]
      let ownCache = ".cache"
    #endif
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let folders = value("XDG_DATA_DIRS") {
      // Only absolute paths count there.
      systemFolders = folders.split(separator: ":").filter { $0.hasPrefix("/") }
        .map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : String($0) }
    }
    let home = value("HOME") ?? NSHomeDirectory()
    cache =
      value("APUS_CACHE") ?? value("XDG_CACHE_HOME").map { $0 + "/apus" }
      ?? home + "/" + ownCache + "/apus"
  }

  /// The folders in which a part of a data set may lie, the system's first.
  func candidates(for part: DatasetEntry.Part, of name: String) -> [String] {
    systemFolders.map { $0 + "/" + part.systemFolder } + [cache + "/" + name]
  }

  /// The folder that has all files of a part, if any has: the first where they are whole, else the first.
  func folder(of part: DatasetEntry.Part, of name: String) -> String? {
    let folders = candidates(for: part, of: name).filter { folder in
      part.files.allSatisfy { FileManager.default.fileExists(atPath: folder + "/" + $0.name) }
    }
    return folders.first { part.damage(in: $0) == nil } ?? folders.first
  }
}

/// Where the data of a set came from.
public enum DataSource: Equatable, Sendable, CustomStringConvertible {
  /// Files in a folder.
  case files(folder: String)
  /// The small part of the set that is inside the program; `note` says what, and how to get all.
  case embedded(note: String)

  public var description: String {
    switch self {
    case .files(let folder): shortened(folder)
    case .embedded(let note): note
    }
  }
}

/// A path for people: `~` for the home folder.
func shortened(_ path: String) -> String {
  let home = NSHomeDirectory()
  return home.count > 1 && path.hasPrefix(home + "/") ? "~" + path.dropFirst(home.count) : path
}

/// The bytes of a file.
func contents(of path: String) throws(DatasetError) -> [UInt8] {
  do {
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    throw .file(
      path: path,
      reason: !exists
        ? "no such file" : isFolder.boolValue ? "a folder, not a file" : "cannot be read")
  }
}

/// The paths of the files under a folder that `isWanted`, deep, in the order of their names; hidden
/// ones are left out.
func files(
  under folder: String, where isWanted: (_ path: String) -> Bool
) throws(DatasetError) -> [String] {
  let names: [String]
  do {
    names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
  } catch {
    throw .file(path: folder, reason: "no such folder, or it cannot be read")
  }
  var found: [String] = []
  for name in names where !name.hasPrefix(".") {
    let path = folder + "/" + name
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    // Links to folders are not followed: they can lead in circles.
    if attributes?[.type] as? FileAttributeType == .typeDirectory {
      found += try files(under: path, where: isWanted)
    } else if isWanted(path) {
      found.append(path)
    }
  }
  return found
}

internal import Foundation

/// Files on the web with known sizes and checksums.
package struct Download: Sendable {
  package struct File: Sendable {
    let name: String
    let bytes: Int
    let md5: String

    package init(name: String, bytes: Int, md5: String) {
      (self.name, self.bytes, self.md5) = (name, bytes, md5)
    }
  }
  /// Addresses before the file name, tried in this order.
  let sources: [String]
  let files: [File]

  package init(sources: [String], files: [File]) {
    (self.sources, self.files) = (sources, files)
  }

  /// The size of all files, rounded.
  var megabytes: Int { (files.reduce(0) { $0 + $1.bytes } + 500_000) / 1_000_000 }

  /// The four files with the checksums their authors publish.
  static let fashionMNIST = Download(
    sources: [
      "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    files: [
      File(
        name: "train-images-idx3-ubyte.gz", bytes: 26_421_880,
        md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
      File(
        name: "train-labels-idx1-ubyte.gz", bytes: 29_515, md5: "25c81989df183df01b3e8a0aad5dffbe"),
      File(
        name: "t10k-images-idx3-ubyte.gz", bytes: 4_422_102, md5: "bef4ecab320f06d8554ea6380940ec79"
      ),
      File(
        name: "t10k-labels-idx1-ubyte.gz", bytes: 5_148, md5: "bb300cfdad3c16e7a12a480ee83cd310"),
    ])

  /// Fetches all files into a folder, each under a temporary name until its checksum is right.
  /// Files that are there already with the right checksum stay.
  /// - Returns: how many files were fetched.
  @discardableResult
  package func fetch(
    into folder: String, of entry: DatasetEntry, report: (String) -> Void
  ) throws(DatasetError) -> Int {
    func failure(_ reason: String) -> DatasetError {
      .fetch(
        name: entry.name, reason: reason,
        mend: hasApt ? [aptInstall(["curl"])] : ["install curl, then the same again"])
    }
    guard let curl = Tool.path(of: "curl") else { throw failure("the program curl is missing") }
    guard let checksums = Checksums() else {
      throw failure("neither md5sum nor md5 is there to check the files")
    }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .file(path: folder, reason: "this folder cannot be made")
    }
    Self.removeLeftovers(in: folder)
    var count = 0
    for file in files {
      let path = folder + "/" + file.name
      if FileManager.default.fileExists(atPath: path), checksums.md5(of: path) == file.md5 {
        report("\(file.name) is there")
        continue
      }
      try fetch(file, to: path, of: entry, curl: curl, checksums: checksums, report: report)
      count += 1
    }
    return count
  }

  /// Removes what killed programs left half fetched: `NAME.PROCESS.part`.
  private static func removeLeftovers(in folder: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      let parts = name.split(separator: ".").suffix(2)
      guard parts.last == "part", let process = parts.first.flatMap({ pid_t($0) }), process > 0,
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }

  private func fetch(
    _ file: File, to path: String, of entry: DatasetEntry, curl: String, checksums: Checksums,
    report: (String) -> Void
  ) throws(DatasetError) {
    let partial = path + ".\(ProcessInfo.processInfo.processIdentifier).part"
    defer { try? FileManager.default.removeItem(atPath: partial) }
    var reasons: [String] = []
    for source in sources {
      report("fetching \(source)\(file.name), \(file.bytes) bytes")
      let result = Tool.run(
        curl,
        [
          "--fail", "--silent", "--show-error", "--location", "--connect-timeout", "20",
          "--speed-limit", "1000", "--speed-time", "60", "--max-filesize", "\(file.bytes)",
          "--output", partial, source + file.name,
        ])
      guard result.status == 0 else {
        reasons.append(result.errors.isEmpty ? "curl ended with \(result.status)" : result.errors)
        continue
      }
      let found = checksums.md5(of: partial) ?? "nothing"
      guard found == file.md5 else {
        reasons.append("\(file.name) has the MD5 sum \(found), expected \(file.md5)")
        continue
      }
      // Replaces a damaged older file, and nobody sees half of the new one.
      guard unsafe rename(partial, path) == 0 else {
        throw .file(path: path, reason: "cannot be written")
      }
      return
    }
    throw .fetch(
      name: entry.name, reason: reasons.joined(separator: "; "),
      mend: ["apus data get \(entry.name)        (again, when online)"]
        + (hasApt ? [aptInstall(entry.packages)] : []))
  }
}

/// MD5 sums by the program of the system.
private struct Checksums {
  private let program: String
  private let arguments: [String]

  init?() {
    if let path = Tool.path(of: "md5sum") {
      (program, arguments) = (path, [])
    } else if let path = Tool.path(of: "md5") {
      (program, arguments) = (path, ["-q"])
    } else {
      return nil
    }
  }

  func md5(of path: String) -> String? {
    let result = Tool.run(program, arguments + [path])
    return result.status == 0 ? String(result.output.prefix { $0.isHexDigit }) : nil
  }
}

extension DatasetEntry {
  /// What `get` did.
  public enum Outcome: Equatable, Sendable {
    /// It was there already, or needs no files.
    case alreadyPresent
    /// It is now in this folder.
    case downloaded(folder: String)
    /// These packages are now installed.
    case installed(packages: [String])
    /// Only the user can do it, with this command.
    case needs(command: String)
  }

  /// Gets the data set, again where it is damaged: downloads it to the user's cache if its checksums are known, installs
  /// its packages where apt is there and the user is root, and else says what to do. Files in the cache are compared with
  /// their checksums and fetched again where they differ.
  /// - Parameter report: is called with a line about each step.
  public func get(
    in places: DataPlaces = .standard, report: (String) -> Void = { _ in }
  ) throws(DatasetError) -> Outcome {
    let status = status(in: places)
    let cache = places.cache + "/" + name
    if status == .present, download == nil || (try? folders(in: places)) != [cache] {
      return .alreadyPresent
    }
    if let download {
      let count = try download.fetch(into: cache, of: self, report: report)
      return count == 0 ? .alreadyPresent : .downloaded(folder: cache)
    }
    let command = status == .damaged ? howToMend : howToGet
    guard geteuid() == 0, let apt = Tool.path(of: "apt-get") else {
      return .needs(command: command)
    }
    report(command)
    let again = status == .damaged ? ["--reinstall"] : []
    let result = Tool.run(apt, ["install", "-y", "--no-install-recommends"] + again + packages)
    guard result.status == 0 else {
      throw .fetch(
        name: name, reason: result.errors.isEmpty ? "apt-get failed" : result.errors,
        mend: ["apt-get update && " + command])
    }
    return .installed(packages: packages)
  }
}

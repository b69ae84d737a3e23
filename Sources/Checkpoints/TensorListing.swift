internal import Documents
public import Foundation

/// What a file of weights holds, read from its description alone: however large the file is, the
/// tensors' data are not touched.
public struct TensorListing: Sendable {
  /// A tensor of the listing.
  public struct Item: Sendable, Hashable {
    public let name: String
    public let shape: [Int]
    /// By safetensors' names, such as "F32".
    public let type: String
    public let byteCount: Int
    public let elementCount: Int
    /// The file that holds it.
    public let file: URL
  }

  /// "safetensors", or "safetensors-index" where an index stands for its shards.
  public let format: String
  /// The tensors, file by file in the order of their data.
  public let items: [Item]
  /// The texts that the file carries.
  public let metadata: [String: String]
  /// The files that were listed.
  public let files: [URL]

  /// All elements of all tensors.
  public var elementCount: Int { items.reduce(0) { $0 + $1.elementCount } }
  /// All bytes of all tensors.
  public var byteCount: Int { items.reduce(0) { $0 + $1.byteCount } }

  /// Lists a `.safetensors` file, an `.index.json` with its shards, or the one of either in a
  /// folder.
  /// - Throws: `CheckpointError` where something is missing or malformed, or of another format.
  public init(_ url: URL) throws(CheckpointError) {
    let url = try Self.file(in: url)
    if url.pathExtension == "json" {
      try self.init(index: url)
    } else {
      try Self.refuseOtherFormats(url)
      let file = try SafetensorsFile(url)
      self.init(
        format: "safetensors", items: Self.items(of: file), metadata: file.metadata, files: [url])
    }
  }

  private init(format: String, items: [Item], metadata: [String: String], files: [URL]) {
    (self.format, self.items, self.metadata, self.files) = (format, items, metadata, files)
  }

  private static func items(of file: SafetensorsFile) -> [Item] {
    file.entries.map { entry in
      Item(
        name: entry.name, shape: entry.shape, type: entry.type.rawValue,
        byteCount: entry.byteRange.count, elementCount: entry.elementCount, file: file.url)
    }
  }

  /// The file of weights in a folder; any other path itself.
  private static func file(in url: URL) throws(CheckpointError) -> URL {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { return url }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    let indexes = names.filter { $0.hasSuffix(".safetensors.index.json") }
    let files = names.filter { $0.hasSuffix(".safetensors") }
    if let only = indexes.first, indexes.count == 1 { return url.appendingPathComponent(only) }
    if let only = files.first, files.count == 1 { return url.appendingPathComponent(only) }
    let preferred = "model.safetensors"
    if files.contains(preferred) { return url.appendingPathComponent(preferred) }
    throw .unreadable(
      file: url.path,
      problem: files.isEmpty
        ? "no .safetensors file in this folder"
        : "several files of weights in this folder: \(files.joined(separator: ", ")); name one")
  }
}

// MARK: - Shards

extension TensorListing {
  private init(index url: URL) throws(CheckpointError) {
    let refuse = { (refusal: CheckpointError.Refusal, problem: String) in
      CheckpointError.refused(refusal, file: url.path, problem: problem)
    }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: [UInt8](try Data(contentsOf: url)))
    } catch let error as JSONError {
      throw refuse(.header, "it is not JSON: \(error)")
    } catch {
      throw .unreadable(file: url.path, problem: "no such file, or it cannot be read")
    }
    guard let members = document["weight_map"]?.members else {
      throw refuse(.header, "it has no object \"weight_map\", so it is no index of shards")
    }
    var places: [ExactText: String] = [:]
    var shards: [String] = []
    for member in members {
      guard let shard = member.value.string, !shard.isEmpty, !shard.contains("/") else {
        throw refuse(.header, "the tensor \"\(member.name)\" has no file beside the index")
      }
      guard places.updateValue(shard, forKey: ExactText(member.name)) == nil else {
        throw refuse(.duplicate, "the tensor \"\(member.name)\" stands twice")
      }
      if !shards.contains(shard) { shards.append(shard) }
    }
    shards.sort()
    let folder = url.deletingLastPathComponent()
    var items: [Item] = []
    for shard in shards {
      let file = try SafetensorsFile(folder.appendingPathComponent(shard))
      for item in Self.items(of: file) where places[ExactText(item.name)] == shard {
        items.append(item)
        places[ExactText(item.name)] = nil
      }
    }
    if let (name, shard) = places.min(by: { $0.key.text < $1.key.text }) {
      throw refuse(.header, "the tensor \"\(name.text)\" is not in \(shard)")
    }
    self.init(
      format: "safetensors-index", items: items, metadata: Self.texts(document["metadata"]),
      files: shards.map { folder.appendingPathComponent($0) })
  }

  /// The members of an object as texts.
  private static func texts(_ value: JSONValue?) -> [String: String] {
    var texts: [String: String] = [:]
    for member in value?.members ?? [] {
      texts[member.name] =
        member.value.string ?? String(decoding: member.value.encoded(), as: UTF8.self)
    }
    return texts
  }
}

// MARK: - Other formats

extension TensorListing {
  private static let otherFormats: [(name: String, beginning: [UInt8])] = [
    ("a zip archive, as PyTorch and NumPy write them", [0x50, 0x4B, 0x03, 0x04]),
    ("an empty zip archive", [0x50, 0x4B, 0x05, 0x06]),
    ("a NumPy array", [0x93] + Array("NUMPY".utf8)),
    ("a GGUF file", Array("GGUF".utf8)),
    ("an HDF5 file", [0x89] + Array("HDF".utf8)),
    ("a Python pickle", [0x80, 0x02]),
    ("a Python pickle", [0x80, 0x03]),
    ("a Python pickle", [0x80, 0x04]),
    ("a Python pickle", [0x80, 0x05]),
    ("a PNG picture", [0x89, 0x50, 0x4E, 0x47]),
    ("a JPEG picture", [0xFF, 0xD8, 0xFF]),
    ("a gzip file", [0x1F, 0x8B]),
  ]

  /// Names the format of a file that is well known and not safetensors. A safetensors file begins
  /// with a length whose upper bytes are zero, as none of these does.
  private static func refuseOtherFormats(_ url: URL) throws(CheckpointError) {
    guard let handle = try? FileHandle(forReadingFrom: url),
      let beginning = try? handle.read(upToCount: 8)
    else { return }
    let isOurs = beginning.count == 8 && beginning[4...].allSatisfy { $0 == 0 }
    guard !isOurs, let format = otherFormats.first(where: { beginning.starts(with: $0.beginning) })
    else { return }
    throw .refused(
      .format, file: url.path, problem: "it is \(format.name), which is not yet read")
  }
}

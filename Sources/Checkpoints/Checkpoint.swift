package import Documents
public import Foundation

/// An open file of weights of any format, or several files that belong together: what they hold is
/// known from their descriptions, and the tensors' data are read one at a time when asked for, so
/// that files may be far larger than memory.
///
/// Read are safetensors, PyTorch's files (zip and legacy), NumPy's `.npz` and `.npy`, and an
/// `.index.json` that stands for its shards. Formats are known by their contents. Nothing in a file
/// is ever executed.
public struct Checkpoint: Sendable {
  /// A tensor of the files.
  public struct Entry: Sendable, Hashable {
    /// Dotted, where the file nests dictionaries.
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    /// The file that holds it.
    public let file: URL
    fileprivate let source: Int
    fileprivate let index: Int

    public var byteCount: Int { type.byteCount(shape) ?? 0 }
    public var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }
  }

  /// "safetensors", "pytorch", "pytorch-legacy", "npz" or "npy", with "-index" where an index
  /// stands for its shards.
  public let format: String
  /// The tensors, file by file in the order of the file; their names are unique.
  public let entries: [Entry]
  /// What the files hold beside tensors, by dotted path.
  package let values: [JSONValue.Member]
  /// The files that were opened.
  public let files: [URL]

  let url: URL
  private let sources: [any TensorSource]

  /// All elements of all tensors.
  public var elementCount: Int { entries.reduce(0) { $0 + $1.elementCount } }
  /// All bytes of all tensors.
  public var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// What the files hold beside tensors, as texts by dotted path: a safetensors file's metadata,
  /// or the numbers and texts beside the weights in a training checkpoint.
  public var metadata: [String: String] {
    Dictionary(
      values.map { member in
        (
          member.name,
          member.value.string ?? String(decoding: member.value.encoded(), as: UTF8.self)
        )
      }, uniquingKeysWith: { _, last in last })
  }

  /// Opens a file of weights, an `.index.json` with its shards, or the one of either in a folder.
  /// - Throws: `CheckpointError` where something is missing, malformed or of another format.
  public init(_ url: URL) throws(CheckpointError) {
    let url = try Self.file(in: url)
    if url.pathExtension == "json" {
      try self.init(index: url)
    } else {
      let source = try Self.open(url)
      self.init(
        url, format: source.format, sources: [source], values: source.values,
        entries: source.tensors.indices.map { Entry(source, 0, $0) })
    }
  }

  private init(
    _ url: URL, format: String, sources: [any TensorSource], values: [JSONValue.Member],
    entries: [Entry]
  ) {
    (self.url, self.format, self.sources, self.values) = (url, format, sources, values)
    (self.entries, files) = (entries, sources.map(\.url))
  }

  /// The tensor of this name, compared scalar by scalar.
  public subscript(name: String) -> Entry? { entries.first { $0.name.isExactly(name) } }

  // MARK: - Data

  /// Hands over the bytes of a tensor in pieces, row-major and little-endian.
  /// - Throws: `CheckpointError` where they do not match a checksum of the file.
  public func read(_ entry: Entry, _ append: AppendBytes) throws(CheckpointError) {
    try unsafe sources[entry.source].read(entry.index, append)
  }

  /// A copy of the bytes of a tensor, row-major and little-endian.
  public func bytes(of entry: Entry) throws(CheckpointError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entry.byteCount)
    try unsafe read(entry) { unsafe bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Reads every tensor once, to see that all checksums are right.
  public func verify() throws(CheckpointError) {
    for entry in entries { try unsafe read(entry) { _ in } }
  }
}

extension Checkpoint.Entry {
  fileprivate init(_ source: any TensorSource, _ place: Int, _ index: Int) {
    let tensor = source.tensors[index]
    (name, type, shape) = (tensor.name, tensor.type, tensor.shape)
    (file, self.source, self.index) = (source.url, place, index)
  }
}

// MARK: - Formats

extension Checkpoint {
  /// Opens one file, by what it begins with; its ending only helps where that says nothing.
  private static func open(_ url: URL) throws(CheckpointError) -> any TensorSource {
    let file = try MappedFile(url)
    let beginning = unsafe file.withBytes(0..<min(8, file.count)) { unsafe [UInt8]($0) }
    let ending = url.pathExtension.lowercased()
    if beginning.starts(with: Array("PK\u{3}\u{4}".utf8))
      || beginning.starts(with: Array("PK\u{5}\u{6}".utf8))
    {
      let archive = try ZipArchive(file, path: url.path)
      let isNumpy =
        ending == "npz" || ending != "pth" && archive.entries.contains { $0.name.hasSuffix(".npy") }
      return isNumpy ? try NumpyFile(url, archive) : try PyTorchFile(url, file, archive)
    }
    if beginning.starts(with: [0x93] + Array("NUMPY".utf8)) || ending == "npy" {
      return try NumpyFile(array: url, file)
    }
    // A safetensors file begins with a length whose upper bytes are zero, as no other does.
    let isSafetensors = beginning.count == 8 && beginning[4...].allSatisfy { $0 == 0 }
    if !isSafetensors {
      let isPickle = beginning.first == 0x80 && (1...5).contains(beginning.dropFirst().first ?? 0)
      if isPickle || ["pth", "pt", "bin", "pkl", "ckpt"].contains(ending) {
        return try PyTorchFile(legacy: url, file)
      }
      if let format = otherFormats.first(where: { beginning.starts(with: $0.beginning) }) {
        throw .refused(.format, file: url.path, problem: "it is \(format.name), which is not read")
      }
    }
    return try SafetensorsFile(url, file)
  }

  private static let otherFormats: [(name: String, beginning: [UInt8])] = [
    ("a GGUF file", Array("GGUF".utf8)),
    ("an HDF5 file", [0x89] + Array("HDF".utf8)),
    ("a PNG picture", [0x89, 0x50, 0x4E, 0x47]),
    ("a JPEG picture", [0xFF, 0xD8, 0xFF]),
    ("a gzip file", [0x1F, 0x8B]),
  ]

  /// Endings of files of weights in the order in which they are looked for in a folder.
  private static let endings = [".safetensors", ".bin", ".pth", ".pt", ".npz"]

  /// The file of weights in a folder; any other path itself.
  private static func file(in url: URL) throws(CheckpointError) -> URL {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { return url }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    for ending in endings {
      let indexes = names.filter { $0.hasSuffix(ending + ".index.json") }
      let files = names.filter { $0.hasSuffix(ending) }
      let preferred = files.first { $0 == "model.safetensors" }
      if let name = indexes.count == 1 ? indexes[0] : files.count == 1 ? files[0] : preferred {
        return url.appendingPathComponent(name)
      }
      guard files.isEmpty else {
        throw .unreadable(
          file: url.path,
          problem: "several files of weights in this folder: \(files.joined(separator: ", ")); "
            + "name one")
      }
    }
    throw .unreadable(file: url.path, problem: "no file of weights in this folder")
  }
}

// MARK: - Shards

extension Checkpoint {
  private init(index url: URL) throws(CheckpointError) {
    let refuse = Refuse(file: url.path)
    let document = try Self.document(url, refuse)
    guard let members = document["weight_map"]?.members else {
      throw refuse(.header, "it has no object \"weight_map\", so it is no index of shards")
    }
    var places: [ExactText: String] = [:]
    var shards = Set<String>()
    for member in members {
      guard let shard = member.value.string else {
        throw refuse(.header, "the tensor \"\(member.name)\" has no file")
      }
      guard !["", ".", ".."].contains(shard), !shard.contains(where: { "/\\\0".contains($0) })
      else {
        throw refuse(
          .path, "the tensor \"\(member.name)\" is in \"\(shard)\", not beside the index")
      }
      guard places.updateValue(shard, forKey: ExactText(member.name)) == nil else {
        throw refuse(.duplicate, "the tensor \"\(member.name)\" stands twice")
      }
      shards.insert(shard)
    }
    var sources: [any TensorSource] = []
    var entries: [Entry] = []
    for shard in shards.sorted() {
      let file = url.deletingLastPathComponent().appendingPathComponent(shard)
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw refuse(.missing, "the shard \(shard) is not there")
      }
      let source = try Self.open(file)
      for (index, tensor) in source.tensors.enumerated()
      where places[ExactText(tensor.name)] == shard {
        places[ExactText(tensor.name)] = nil
        entries.append(Entry(source, sources.count, index))
      }
      sources.append(source)
    }
    if let (name, shard) = places.min(by: { $0.key.text < $1.key.text }) {
      throw refuse(.missing, "the tensor \"\(name.text)\" is not in \(shard)")
    }
    self.init(
      url, format: (sources.first?.format ?? "safetensors") + "-index", sources: sources,
      values: document["metadata"]?.members ?? [], entries: entries)
  }

  static func document(
    _ url: URL, _ refuse: Refuse
  ) throws(CheckpointError) -> JSONValue {
    do {
      return try JSONValue(parsing: [UInt8](try Data(contentsOf: url)))
    } catch let error as JSONError {
      throw refuse(.header, "it is not JSON: \(error)")
    } catch {
      throw .unreadable(file: url.path, problem: "no such file, or it cannot be read")
    }
  }
}

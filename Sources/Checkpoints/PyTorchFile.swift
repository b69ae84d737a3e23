import Documents
import Foundation

/// A file that `torch.save` wrote, of any age but the tar archives of the first year: a zip archive,
/// or pickles followed by data. The pickle is read by a machine that builds data and executes
/// nothing.
struct PyTorchFile: TensorSource {
  let url: URL
  let tensors: [TensorDescription]
  let values: [JSONValue.Member]
  let format: String

  /// Where the bytes of storages are.
  private enum Content: Sendable {
    case archive(ZipArchive)
    case file(MappedFile)
  }

  /// The bytes of a storage.
  private enum Place: Sendable {
    case entry(Int)
    case range(Range<Int>)
  }

  private let content: Content
  private var places: [(place: Place, layout: StridedLayout)] = []

  func read(_ index: Int, _ append: AppendBytes) throws(CheckpointError) {
    let (place, layout) = places[index]
    func read(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
      try unsafe layout.read(bytes, append)
    }
    switch (content, place) {
    case (.archive(let archive), .entry(let entry)): try unsafe archive.withBytes(entry, read)
    case (.file(let file), .range(let range)): try unsafe file.withBytes(range, read)
    default: break
    }
  }

  /// Instructions that a pickle in a file of this size may have.
  private static func budget(_ file: MappedFile) -> Int { 1 << 19 + file.count / 2 }

  private init(
    _ url: URL, format: String, content: Content, tree: PickleTree, pickle: Pickle,
    isBigEndian: Bool = false, storages: [Place], fileCount: Int, refuse: Refuse
  ) throws(CheckpointError) {
    (self.url, self.format, self.content, values) = (url, format, content, tree.values)
    var tensors: [TensorDescription] = []
    for (name, index) in tree.tensors {
      let tensor = pickle.tensors[index]
      var layout = tensor.layout
      layout.isBigEndian = isBigEndian
      // A view may repeat its storage without end.
      let byteCount = layout.type.byteCount(layout.shape) ?? .max
      let bound = max(1 << 26, 4 * max(fileCount, pickle.storages[tensor.storage].byteCount))
      guard byteCount <= bound else {
        throw refuse(
          .limit, "tensor \"\(name)\" repeats a few bytes up to \(byteCount) in all")
      }
      tensors.append(TensorDescription(name: name, type: layout.type, shape: layout.shape))
      places.append((storages[tensor.storage], layout))
    }
    self.tensors = tensors
  }
}

// MARK: - Zip archives

extension PyTorchFile {
  /// - Parameter archive: that of `file`.
  init(_ url: URL, _ file: MappedFile, _ archive: ZipArchive) throws(CheckpointError) {
    let refuse = Refuse(file: url.path)
    let description = "data.pkl"
    let pickles = archive.entries.indices.filter {
      archive.entries[$0].name.isExactly(description)
        || archive.entries[$0].name.hasSuffix("/" + description)
    }
    guard let entry = pickles.first else {
      throw refuse(.missing, "the archive has no \(description), so it is not PyTorch's")
    }
    let name = archive.entries[entry].name
    let root = String(name.dropLast(description.count))
    guard archive.entries[entry].byteCount <= 1 << 24 + file.count else {
      throw refuse(.limit, "\(name) inflates to \(archive.entries[entry].byteCount) bytes")
    }
    guard archive.index(of: root + "constants.pkl") == nil else {
      throw refuse(.unsupported, "it is a compiled TorchScript program, not a state dictionary")
    }
    var machine = Unpickler(
      try archive.bytes(entry), part: name, budget: Self.budget(file), fail: refuse)
    let top = try machine.run()
    var storages: [Place] = []
    for storage in machine.pickle.storages {
      storages.append(.entry(try Self.entry(storage, root, archive, refuse)))
    }
    try self.init(
      url, format: "pytorch", content: .archive(archive),
      tree: PickleTree(
        machine.pickle, root: top, budget: 1 << 23 + 4 * file.count, refuse: refuse),
      pickle: machine.pickle, isBigEndian: Self.isBigEndian(root, archive, refuse),
      storages: storages, fileCount: file.count, refuse: refuse)
  }

  private static func isBigEndian(
    _ root: String, _ archive: ZipArchive, _ refuse: Refuse
  ) throws(CheckpointError) -> Bool {
    guard let entry = archive.index(of: root + "byteorder") else { return false }
    switch String(decoding: try archive.prefix(entry, 16), as: UTF8.self) {
    case "little": return false
    case "big": return true
    default: throw refuse(.corrupt, "its byte order is neither little nor big")
    }
  }

  private static func entry(
    _ storage: Pickle.Storage, _ root: String, _ archive: ZipArchive, _ refuse: Refuse
  ) throws(CheckpointError) -> Int {
    guard !storage.key.contains("/"), !storage.key.contains("\\") else {
      throw refuse(.path, "a storage is called \"\(storage.key)\"")
    }
    let name = "\(root)data/\(storage.key)"
    guard let entry = archive.index(of: name) else {
      throw refuse(.missing, "the storage \(name) is not in the archive")
    }
    let byteCount = archive.entries[entry].byteCount
    guard byteCount >= storage.byteCount else {
      throw refuse(.truncated, "\(name) has \(byteCount) bytes, not \(storage.byteCount)")
    }
    return entry
  }
}

// MARK: - Pickles followed by data

extension PyTorchFile {
  /// What every legacy file begins with, as a pickled integer.
  private static let magic = "119547037146038801333356"

  init(legacy url: URL, _ file: MappedFile) throws(CheckpointError) {
    let refuse = Refuse(file: url.path)
    let isTar = unsafe file.withBytes(0..<min(262, file.count)) {
      unsafe $0.dropFirst(257).elementsEqual("ustar".utf8)
    }
    if isTar { throw refuse(.unsupported, "it is a tar archive, as PyTorch wrote until 2017") }
    // The pickles stand before the data: of a large file only the beginning is copied.
    var head = 1 << 20
    while true {
      do {
        try self.init(legacy: url, file, head: min(head, file.count), refuse)
        return
      } catch  where error.refusal == .truncated && head < file.count {
        head *= 8
      }
    }
  }

  private init(
    legacy url: URL, _ file: MappedFile, head: Int, _ refuse: Refuse
  ) throws(CheckpointError) {
    let bytes = unsafe file.withBytes(0..<head) { unsafe [UInt8]($0) }
    var position = 0
    func next(_ part: String) throws(CheckpointError) -> (Pickle, Pickle.Reference) {
      var machine = Unpickler(
        bytes, at: position, part: part, budget: Self.budget(file), fail: refuse)
      let top = try machine.run()
      position = machine.position
      return (machine.pickle, top)
    }
    let (magic, magicValue) = try next("the magic number")
    guard case .longInteger(Self.magic) = magic[magicValue] else {
      throw refuse(.unsupported, "it is a pickle without PyTorch's magic number")
    }
    let (version, versionValue) = try next("the version")
    guard case .integer(1001) = version[versionValue] else {
      throw refuse(.unsupported, "another version of the format than 1001")
    }
    let (system, systemValue) = try next("the description of the machine")
    try Self.checkEndian(system, systemValue, refuse)
    let (pickle, top) = try next("the pickle")
    let (keys, keysValue) = try next("the list of storages")
    let storages = try Self.ranges(pickle, keys, keysValue, file, from: position, refuse)
    try self.init(
      url, format: "pytorch-legacy", content: .file(file),
      tree: PickleTree(pickle, root: top, budget: 1 << 23 + 4 * file.count, refuse: refuse),
      pickle: pickle, storages: storages, fileCount: file.count, refuse: refuse)
  }

  private static func checkEndian(
    _ pickle: Pickle, _ value: Pickle.Reference, _ refuse: Refuse
  ) throws(CheckpointError) {
    guard case .dictionary(let members) = pickle[value] else {
      throw refuse(.corrupt, "the description of the machine is no dictionary")
    }
    for i in stride(from: 0, to: members.count, by: 2) {
      if case .text("little_endian") = pickle[members[i]],
        case .bool(false) = pickle[members[i + 1]]
      {
        throw refuse(.unsupported, "it was written on a big-endian machine")
      }
    }
  }

  /// The ranges of the storages: for each key its count of elements, in eight bytes, and its data.
  private static func ranges(
    _ pickle: Pickle, _ keys: Pickle, _ list: Pickle.Reference, _ file: MappedFile,
    from start: Int, _ refuse: Refuse
  ) throws(CheckpointError) -> [Place] {
    let sizes = Dictionary(
      pickle.storages.map { (ExactText($0.key), ($0.type ?? .u8).bitCount / 8) },
      uniquingKeysWith: { first, _ in first })
    var ranges: [ExactText: Range<Int>] = [:]
    var position = start
    for item in keys.items(list) ?? [] {
      guard case .text(let key) = keys[item], let size = sizes[ExactText(key)] else {
        throw refuse(.corrupt, "its list of storages names one that no tensor has")
      }
      guard file.count - position >= 8 else {
        throw refuse(.truncated, "it ends before the storage \(key)")
      }
      let count = unsafe file.withBytes(position..<position + 8) {
        Int64(littleEndian: unsafe $0.loadUnaligned(as: Int64.self))
      }
      position += 8
      guard count >= 0, count <= (file.count - position) / size else {
        throw refuse(
          .truncated, "the storage \(key) of \(count) elements goes past the end of the file")
      }
      guard
        ranges.updateValue(position..<position + Int(count) * size, forKey: ExactText(key)) == nil
      else { throw refuse(.duplicate, "the storage \(key) stands twice") }
      position += Int(count) * size
    }
    guard position == file.count else {
      throw refuse(.bounds, "\(file.count - position) bytes after the last storage belong to none")
    }
    var places: [Place] = []
    for storage in pickle.storages {
      guard let range = ranges[ExactText(storage.key)] else {
        throw refuse(.missing, "the storage \(storage.key) is not in the file")
      }
      guard range.count >= storage.byteCount else {
        throw refuse(
          .truncated,
          "the storage \(storage.key) has \(range.count) bytes, not \(storage.byteCount)")
      }
      places.append(.range(range))
    }
    return places
  }
}

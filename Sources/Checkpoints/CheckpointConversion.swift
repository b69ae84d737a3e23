public import Foundation

extension Checkpoint {
  /// Writes all tensors to a file of the format that its ending names: `.safetensors`, `.npz`,
  /// `.npy` (a single tensor) or PyTorch's `.pth`, `.pt` and `.bin`. Files take their names when they
  /// are complete and on the disk; what stood there before is lost only then.
  ///
  /// Tensors are read and written piece by piece, so files may be far larger than memory. Texts
  /// beside the tensors are kept by safetensors alone.
  ///
  /// - Parameters:
  ///   - type: a floating-point type for all floating-point tensors, rounded to the nearest; others
  ///     stay as they are.
  ///   - shardByteCount: the most bytes of tensors in one file: more are spread over files
  ///     `…-00001-of-00003.safetensors` beside an index `….safetensors.index.json`.
  /// - Returns: the files written; where there is an index, it is the first.
  @discardableResult public func write(
    to url: URL, as type: ElementType? = nil, shardByteCount: Int? = nil
  ) throws(CheckpointError) -> [URL] {
    let tensors = entries.map { newTensor($0, as: type) }
    let ending = url.pathExtension.lowercased()
    guard shardByteCount == nil || ending == "safetensors" else {
      throw .unwritable(file: url.path, problem: "only .safetensors files have shards")
    }
    switch ending {
    case "safetensors":
      guard let shardByteCount else {
        try Safetensors.write(tensors, metadata: metadata, to: url)
        break
      }
      return try Safetensors.write(
        tensors, metadata: metadata, to: url, shardByteCount: shardByteCount)
    case "npz": try Numpy.write(tensors, to: url)
    case "npy":
      guard let only = tensors.first, tensors.count == 1 else {
        throw .unwritable(
          file: url.path, problem: "an .npy file holds one tensor, not \(tensors.count); use .npz")
      }
      try Numpy.write(array: only, to: url)
    case "pth", "pt", "bin": try PyTorch.write(tensors, to: url)
    default:
      throw .unwritable(
        file: url.path,
        problem: "the ending \".\(ending)\" names no format; "
          + "there are .safetensors, .pth, .pt, .bin, .npz and .npy")
    }
    return [url]
  }

  /// The floating-point types that `write` converts to.
  public static let convertedTypes = ElementConversion.types

  private func newTensor(_ entry: Entry, as type: ElementType?) -> NewTensor {
    let types = ElementConversion.types
    let target =
      if let type, types.contains(entry.type), types.contains(type) { type } else { entry.type }
    return unsafe NewTensor(name: entry.name, type: target, shape: entry.shape) {
      append throws(CheckpointError) in try unsafe read(entry, as: target, append)
    }
  }
}

extension Safetensors {
  /// Writes tensors into files of at most so many bytes of tensors, each whole in one of them, and
  /// an index that says which. All are written before the first takes its name, the index last.
  /// - Returns: the index and the files; the file alone where one is enough.
  /// - Throws: `CheckpointError`, also where files of these names are there already: replacing them
  ///   one by one could leave a mixture of both.
  public static func write(
    _ tensors: [NewTensor], metadata: [String: String] = [:], to url: URL, shardByteCount: Int
  ) throws(CheckpointError) -> [URL] {
    let groups = groups(tensors, shardByteCount)
    guard groups.count > 1 else {
      try write(tensors, metadata: metadata, to: url)
      return [url]
    }
    let (folder, name) = (url.deletingLastPathComponent(), url.lastPathComponent)
    let stem = url.deletingPathExtension().lastPathComponent
    let names = groups.indices.map {
      "\(stem)-\(digits($0 + 1))-of-\(digits(groups.count)).safetensors"
    }
    let index = folder.appendingPathComponent(name + ".index.json")
    let files = names.map { folder.appendingPathComponent($0) }
    for file in [index] + files where FileManager.default.fileExists(atPath: file.path) {
      throw .unwritable(
        file: file.path,
        problem: "shards are not written over others; remove it or take another name")
    }
    try CheckpointError.refuseRepeated(tensors.map(\.name), url)
    var open: [ReplacementFile] = []
    for (group, file) in zip(groups, files) {
      open.append(try written(group, metadata, file))
    }
    let list = try ReplacementFile(index)
    try list.append(Self.index(groups, names))
    for file in open { try file.finish() }
    try list.finish()
    return [index] + files
  }

  private static func digits(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }

  /// The tensors in their order, cut where the next would be too much.
  private static func groups(_ tensors: [NewTensor], _ limit: Int) -> [[NewTensor]] {
    var groups: [[NewTensor]] = []
    var size = 0
    for tensor in tensors {
      let count = tensor.type.byteCount(tensor.shape) ?? 0
      if groups.isEmpty || size > 0 && count > limit - size {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(tensor)
      size += count
    }
    return groups
  }
}

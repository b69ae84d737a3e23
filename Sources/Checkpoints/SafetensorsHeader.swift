import Documents
import Foundation

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  var entries: [Safetensors.Entry] = []
  var metadata: [String: String] = [:]

  private let path: String
  private let dataStart: Int

  init(_ file: MappedFile, path: String) throws(CheckpointError) {
    self.path = path
    let refuse = { (refusal: CheckpointError.Refusal, problem: String) in
      CheckpointError.refused(refusal, file: path, problem: problem)
    }
    guard file.count >= 8 else {
      throw refuse(.truncated, "it has \(file.count) bytes, too few for the header's length")
    }
    let length = unsafe file.withBytes(0..<8) {
      UInt64(littleEndian: unsafe $0.loadUnaligned(as: UInt64.self))
    }
    guard length <= Safetensors.headerLimit else {
      throw refuse(
        .header, "its header of \(length) bytes is over the limit of \(Safetensors.headerLimit)")
    }
    dataStart = 8 + Int(length)
    guard dataStart <= file.count else {
      throw refuse(
        .truncated, "it has \(file.count) bytes, the header alone goes to byte \(dataStart)")
    }
    let text = unsafe file.withBytes(8..<dataStart) { unsafe [UInt8]($0) }
    guard text.first == UInt8(ascii: "{") else {
      throw refuse(.header, "the header does not begin with {")
    }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: text, depth: 8)
    } catch {
      throw refuse(.header, "the header is not JSON: \(error)")
    }
    try read(document.members ?? [])
    try checkRanges(dataCount: file.count - dataStart)
  }

  private func error(_ refusal: CheckpointError.Refusal, _ problem: String) -> CheckpointError {
    .refused(refusal, file: path, problem: problem)
  }

  private mutating func read(_ members: [JSONValue.Member]) throws(CheckpointError) {
    if let name = JSONValue.object(members).repeatedName {
      throw error(.duplicate, "the name \"\(name)\" stands twice in the header")
    }
    entries.reserveCapacity(members.count)
    for member in members {
      if member.name.isExactly("__metadata__") {
        try readMetadata(member.value)
      } else {
        entries.append(try entry(member.name, member.value))
      }
    }
  }

  private mutating func readMetadata(_ value: JSONValue) throws(CheckpointError) {
    guard let members = value.members else {
      throw error(.header, "__metadata__ is no object")
    }
    if let name = value.repeatedName {
      throw error(.duplicate, "the name \"\(name)\" stands twice in __metadata__")
    }
    for member in members {
      guard let text = member.value.string else {
        throw error(.header, "__metadata__ has no text under \"\(member.name)\"")
      }
      metadata[member.name] = text
    }
  }

  private func entry(
    _ name: String, _ value: JSONValue
  ) throws(CheckpointError) -> Safetensors.Entry {
    func malformed(_ what: String) -> CheckpointError {
      error(.header, "tensor \"\(name)\" has no \(what)")
    }
    guard value.members != nil else { throw malformed("description") }
    if let field = value.repeatedName {
      throw error(.duplicate, "tensor \"\(name)\" has \"\(field)\" twice")
    }
    guard let typeName = value["dtype"]?.string else { throw malformed("dtype") }
    guard let type = ElementType(rawValue: typeName), type.isInSafetensors else {
      throw error(.dtype, "tensor \"\(name)\" has the unknown dtype \"\(typeName)\"")
    }
    guard let shape = wholeNumbers(value["shape"]) else {
      if value["shape"]?.elements?.contains(where: \.isBeyondIntegers) == true {
        throw error(.shape, "tensor \"\(name)\": a size is over 63 bits")
      }
      throw malformed("shape of whole sizes")
    }
    guard let offsets = wholeNumbers(value["data_offsets"]), offsets.count == 2 else {
      throw malformed("data_offsets of two whole numbers")
    }
    guard let byteCount = type.byteCount(shape) else {
      throw error(.shape, "tensor \"\(name)\": the bytes of \(typeName) \(shape) overflow")
    }
    guard offsets[0] <= offsets[1] else {
      throw error(.bounds, "tensor \"\(name)\" ends at \(offsets[1]), before it begins")
    }
    guard offsets[1] - offsets[0] == byteCount else {
      throw error(
        .shape,
        "tensor \"\(name)\": \(typeName) \(shape) needs \(byteCount) bytes, "
          + "its offsets give \(offsets[1] - offsets[0])")
    }
    let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
    if overflow { throw error(.truncated, "tensor \"\(name)\" ends past all files") }
    return Safetensors.Entry(
      name: name, type: type, shape: shape, byteRange: dataStart + offsets[0]..<end)
  }

  private func wholeNumbers(_ value: JSONValue?) -> [Int]? {
    guard let elements = value?.elements else { return nil }
    let numbers = elements.compactMap(\.integer).filter { $0 >= 0 }
    return numbers.count == elements.count ? numbers : nil
  }

  /// Sorts the tensors by their data and sees that they cover it once.
  private mutating func checkRanges(dataCount: Int) throws(CheckpointError) {
    // Stable, so that tensors without bytes keep the header's order.
    entries = entries.enumerated().sorted {
      let (a, b) = ($0.element.byteRange, $1.element.byteRange)
      return (a.lowerBound, a.upperBound, $0.offset) < (b.lowerBound, b.upperBound, $1.offset)
    }.map(\.element)
    var end = dataStart
    for entry in entries {
      if entry.byteRange.lowerBound < end {
        throw error(.overlap, "tensor \"\(entry.name)\" shares bytes with another")
      }
      if entry.byteRange.lowerBound > end {
        throw error(
          .bounds,
          "\(entry.byteRange.lowerBound - end) bytes before tensor \"\(entry.name)\" "
            + "belong to no tensor")
      }
      end = entry.byteRange.upperBound
      if end > dataStart + dataCount {
        throw error(
          .truncated,
          "tensor \"\(entry.name)\" ends \(end - dataStart - dataCount) bytes "
            + "past the end of the file")
      }
    }
    if end < dataStart + dataCount {
      throw error(
        .bounds, "\(dataStart + dataCount - end) bytes after the last tensor belong to none")
    }
  }
}

extension JSONValue {
  /// Whether this is a number too large for `Int`.
  fileprivate var isBeyondIntegers: Bool {
    if case .number(let value) = self { value >= 0x1p63 } else { false }
  }
}

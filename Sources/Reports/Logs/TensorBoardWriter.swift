import Foundation

/// A file of scalars that TensorBoard shows: `events.out.tfevents.…` of a run's folder.
///
/// The file is a row of records (length, its masked CRC-32C, data, their masked CRC-32C), each
/// one `Event` of TensorFlow's protocol buffers (event.proto, summary.proto):
/// `wall_time` = 1 (double), `step` = 2 (int64), `file_version` = 3 (string), `summary` = 5, whose
/// values have `tag` = 1 (string) and `simple_value` = 2 (float).
public struct TensorBoardWriter {
  /// Where the file lies.
  public let path: String
  private let file: AppendedFile

  /// Opens a file to go on after `step`: later records and torn ones are cut off; nil keeps
  /// nothing. A new file begins with the version that TensorBoard looks for.
  /// - Parameter wallTime: seconds since 1970, for the first record of a new file.
  /// - Throws: `ReportsError.file`, and `.notEvents` if it begins with anything else.
  public init(path: String, resumingAfter step: Int?, wallTime: Double) throws(ReportsError) {
    self.path = path
    file = try AppendedFile(path: path)
    var kept = 0
    if let step {
      let contents = try file.contents()
      kept = TensorBoardWriter.size(upTo: step, in: [UInt8](contents))
      if kept == 0, contents.count > 16 { throw .notEvents(path: path) }
    }
    try file.truncate(to: kept)
    if kept == 0 {
      let version = Message.text(3, "brain.Event:2")
      try file.append(Data(Record.framed(Message.double(1, wallTime) + version)))
    }
  }

  /// Writes the scalars of a step, in the order of their names. Values that are not finite are
  /// written too: TensorBoard marks them.
  public func append(step: Int, wallTime: Double, scalars: [String: Double])
    throws(ReportsError)
  {
    guard !scalars.isEmpty else { return }
    let values = scalars.sorted { $0.key < $1.key }.flatMap { name, value in
      Message.bytes(1, Message.text(1, name) + Message.float(2, Float(value)))
    }
    let event =
      Message.double(1, wallTime) + Message.integer(2, step) + Message.bytes(5, values)
    try file.append(Data(Record.framed(event)))
  }

  /// Waits until all records are on the disk.
  public func synchronize() throws(ReportsError) { try file.synchronize() }

  /// The bytes of the whole records before the first one after `step`.
  private static func size(upTo step: Int, in bytes: [UInt8]) -> Int {
    var size = 0
    while let (data, end) = Record.next(in: bytes, at: size) {
      let isFirst = size == 0
      guard let event = EventHead(data), event.hasVersion || !isFirst, event.step <= step else {
        break
      }
      size = end
    }
    return size
  }
}

/// The framing of TensorFlow's record files.
enum Record {
  static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = little(UInt64(data.count))
    return length + little(CRC32C.masked(length)) + data + little(CRC32C.masked(data))
  }

  /// The data of the record at `start` and where it ends; nothing if it is torn or damaged.
  static func next(in bytes: [UInt8], at start: Int) -> (data: ArraySlice<UInt8>, end: Int)? {
    guard bytes.count - start >= 16 else { return nil }
    let length = bytes[start..<start + 8]
    guard Array(bytes[start + 8..<start + 12]) == little(CRC32C.masked(length)) else {
      return nil
    }
    let count = length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard count <= UInt64(bytes.count - start - 16) else { return nil }
    let end = start + 12 + Int(count)
    let data = bytes[start + 12..<end]
    guard Array(bytes[end..<end + 4]) == little(CRC32C.masked(data)) else { return nil }
    return (data, end + 4)
  }
}

/// Fields of protocol buffers, as bytes.
enum Message {
  static func varint(_ value: UInt64) -> [UInt8] {
    var value = value
    var bytes: [UInt8] = []
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7F) | 0x80)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }

  static func integer(_ field: UInt64, _ value: Int) -> [UInt8] {
    varint(field << 3) + varint(UInt64(bitPattern: Int64(value)))
  }

  static func double(_ field: UInt64, _ value: Double) -> [UInt8] {
    varint(field << 3 | 1) + little(value.bitPattern)
  }

  static func float(_ field: UInt64, _ value: Float) -> [UInt8] {
    varint(field << 3 | 5) + little(value.bitPattern)
  }

  static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] {
    varint(field << 3 | 2) + varint(UInt64(value.count)) + value
  }

  static func text(_ field: UInt64, _ value: String) -> [UInt8] {
    bytes(field, Array(value.utf8))
  }
}

/// What resuming needs to know of an event: its step and whether it begins a file.
private struct EventHead {
  var step = 0
  var hasVersion = false

  /// Nothing if the bytes are no message.
  init?(_ data: ArraySlice<UInt8>) {
    var rest = data
    while !rest.isEmpty {
      guard let key = EventHead.varint(&rest) else { return nil }
      var skipped: UInt64 = 0
      switch key & 7 {
      case 0:
        guard let value = EventHead.varint(&rest) else { return nil }
        if key >> 3 == 2 { step = Int(truncatingIfNeeded: value) }
      case 1: skipped = 8
      case 2:
        guard let length = EventHead.varint(&rest) else { return nil }
        if key >> 3 == 3 { hasVersion = true }
        skipped = length
      case 5: skipped = 4
      default: return nil
      }
      guard skipped <= UInt64(rest.count) else { return nil }
      rest = rest.dropFirst(Int(skipped))
    }
  }

  private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = bytes.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}

func little(_ value: some FixedWidthInteger) -> [UInt8] {
  (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// What a plugin is told with a program, as the bytes of XLA's `CompileOptionsProto`.
struct CompileOptions {
  /// Numbers of the devices that run the program together, each a replica.
  var devices: [Int]
  /// XLA's own flags by name.
  var flags: [String: Bool] = [:]

  var bytes: [UInt8] {
    var build = Message()
    build.integer(1, -1)  // device_ordinal: as the assignment says
    build.integer(4, devices.count)  // num_replicas
    build.integer(5, 1)  // num_partitions
    var computation = Message()
    computation.bytes(1, devices.flatMap { Message.varint(UInt64($0)) })
    var assignment = Message()
    assignment.integer(1, devices.count)
    assignment.integer(2, 1)
    assignment.bytes(3, computation.encoded)
    build.bytes(9, assignment.encoded)
    var options = Message()
    options.bytes(3, build.encoded)
    for (name, value) in flags.sorted(by: { $0.key < $1.key }) {
      var flag = Message()
      flag.integer(2, value ? 1 : 0)
      var entry = Message()
      entry.bytes(1, Array(name.utf8))
      entry.bytes(2, flag.encoded)
      options.bytes(7, entry.encoded)  // env_option_overrides
    }
    return options.encoded
  }
}

/// Fields of a protocol buffer, in the order of calls.
private struct Message {
  private(set) var encoded: [UInt8] = []

  mutating func integer(_ field: Int, _ value: Int) {
    encoded += Message.varint(UInt64(field << 3)) + Message.varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func bytes(_ field: Int, _ value: [UInt8]) {
    encoded += Message.varint(UInt64(field << 3 | 2)) + Message.varint(UInt64(value.count)) + value
  }

  /// Seven bits a byte, the low ones first.
  static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest > 127 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}

/// The cyclic redundancy check of Castagnoli (polynomial 0x1EDC6F41, reflected 0x82F63B78), which
/// protects the records of TensorBoard's files.
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }

  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { value, byte in
      value >> 8 ^ table[Int(truncatingIfNeeded: value & 0xFF) ^ Int(byte)]
    }
  }

  /// The checksum as records hold it: turned by 15 bits and moved, so that a checksum of data
  /// that contain checksums stays strong.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let value = checksum(bytes)
    return (value >> 15 | value << 17) &+ 0xA282_EAD8
  }
}

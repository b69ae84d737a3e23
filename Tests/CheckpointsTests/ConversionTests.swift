import Checkpoints
import Documents
import Foundation
import Testing

@Suite struct ConversionTests {
  /// A folder of its own that is gone after the body.
  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("conversion \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  private func tensor(_ name: String, _ type: ElementType, _ shape: [Int]) -> NewTensor {
    let count = type.byteCount(shape) ?? 0
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 + name.utf8.count) &* 37) }
    return NewTensor(name: name, type: type, shape: shape, bytes: bytes)
  }

  private func expectEqual(_ a: Checkpoint, _ b: Checkpoint) throws {
    #expect(Set(a.entries.map(\.name)) == Set(b.entries.map(\.name)))
    for entry in a.entries {
      let other = try #require(b[entry.name])
      #expect(entry.type == other.type && entry.shape == other.shape, "\(entry.name)")
      #expect(try a.bytes(of: entry) == b.bytes(of: other), "\(entry.name)")
    }
  }

  private static let numpyTypes: [ElementType] = [
    .f16, .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .c64,
  ]

  @Test(
    "Every format gives back every tensor bit for bit",
    arguments: ["safetensors", "npz", "pth", "bin"])
  func formats(ending: String) throws {
    try inFolder { folder in
      let types = ending == "npz" ? Self.numpyTypes : Self.numpyTypes + [.bf16, .f8E4M3, .f8E5M2]
      let tensors =
        types.map { tensor("t.\($0.rawValue)", $0, [2, 3]) } + [
          tensor("empty", .f32, [3, 0, 2]), tensor("scalar", .f32, []), tensor("λ/x", .f32, [5]),
        ]
      let source = folder.appendingPathComponent("a.safetensors")
      try Safetensors.write(tensors, to: source)
      let target = folder.appendingPathComponent("b.\(ending)")
      let original = try Checkpoint(source)
      try original.write(to: target)
      try expectEqual(original, Checkpoint(target))
      // Again from there: what is read of a format is written by all.
      let back = folder.appendingPathComponent("c.safetensors")
      try Checkpoint(target).write(to: back)
      try expectEqual(original, Checkpoint(back))
      let first = try Data(contentsOf: target)
      try original.write(to: target)
      #expect(try Data(contentsOf: target) == first)
    }
  }

  @Test("A single array keeps its shape; several do not fit into .npy")
  func array() throws {
    try inFolder { folder in
      let source = folder.appendingPathComponent("a.safetensors")
      let target = folder.appendingPathComponent("a.npy")
      try Safetensors.write([tensor("w", .f64, [3, 2])], to: source)
      try Checkpoint(source).write(to: target)
      let array = try Checkpoint(target)
      #expect(array.entries.map(\.name) == [""])
      #expect(array.entries[0].shape == [3, 2])
      #expect(
        try array.bytes(of: array.entries[0])
          == Checkpoint(source).bytes(of: Checkpoint(source).entries[0]))
      try Safetensors.write([tensor("w", .f32, [1]), tensor("v", .f32, [1])], to: source)
      #expect(throws: CheckpointError.self) { try Checkpoint(source).write(to: target) }
      #expect(throws: CheckpointError.self) {
        try Checkpoint(source).write(to: folder.appendingPathComponent("a.gguf"))
      }
      #expect(try Checkpoint(target).entries[0].shape == [3, 2])
    }
  }

  @Test("Shards and their index are read as one, and are not written over")
  func shards() throws {
    try inFolder { folder in
      let source = folder.appendingPathComponent("a.safetensors")
      let tensors = (0..<5).map { tensor("layer.\($0)", .f32, [10]) }
      try Safetensors.write(tensors, metadata: ["note": "x"], to: source)
      let original = try Checkpoint(source)
      let target = folder.appendingPathComponent("out.safetensors")
      let files = try original.write(to: target, shardByteCount: 90)
      #expect(
        files.map(\.lastPathComponent) == [
          "out.safetensors.index.json", "out-00001-of-00003.safetensors",
          "out-00002-of-00003.safetensors", "out-00003-of-00003.safetensors",
        ])
      let sharded = try Checkpoint(files[0])
      #expect(sharded.format == "safetensors-index")
      #expect(sharded.values.first?.value.integer == 200)
      try expectEqual(original, sharded)
      #expect(throws: CheckpointError.self) {
        try original.write(to: target, shardByteCount: 90)
      }
      let whole = try original.write(to: target, shardByteCount: 1000)
      #expect(whole == [target])
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names.allSatisfy { !$0.hasPrefix(".") })
    }
  }

  @Test("Every half and every 8-bit float comes back from double as it was")
  func exhaustive() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      for type in [ElementType.f16, .bf16, .f8E4M3, .f8E5M2] {
        let size = type.bitCount / 8
        let count = 1 << type.bitCount
        let all = (0..<count).flatMap { i in (0..<size).map { UInt8(i >> (8 * $0) & 0xFF) } }
        try Safetensors.write(
          [NewTensor(name: "x", type: type, shape: [count], bytes: all)], to: url)
        let wide = folder.appendingPathComponent("b.safetensors")
        try Checkpoint(url).write(to: wide, as: .f64)
        let back = try Checkpoint(wide)
        let numbers = try back.bytes(of: back.entries[0])
        let narrow = try back.bytes(of: back.entries[0], as: type)
        for i in 0..<count {
          let value = unsafe numbers.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)
          }
          if value.isNaN { continue }
          let same = (0..<size).allSatisfy { narrow[size * i + $0] == all[size * i + $0] }
          #expect(same, "\(type.rawValue) \(i) is \(value)")
        }
      }
    }
  }

  @Test("Rounding is to the nearest, ties to even, with the largest and the smallest numbers right")
  func rounding() throws {
    let cases: [(ElementType, Double, Int)] = [
      (.f16, 65504, 0x7BFF), (.f16, 65519.99, 0x7BFF), (.f16, 65520, 0x7C00),
      (.f16, 1 + 0x1p-11, 0x3C00), (.f16, 1 + 3 * 0x1p-11, 0x3C02),
      (.f16, 1 + 0x1p-11 + 0x1p-40, 0x3C01), (.f16, 0x1p-24, 1), (.f16, 0x1p-25, 0),
      (.f16, 0x1.8p-25, 1), (.f16, -0x1p-30, 0x8000), (.f16, 0x1.FF8p-15, 0x3FF),
      (.f16, 0x1.FFCp-15, 0x400),
      (.bf16, 1 + 0x1p-8, 0x3F80), (.bf16, 1 + 3 * 0x1p-8, 0x3F82), (.bf16, -.infinity, 0xFF80),
      (.f8E4M3, 448, 0x7E), (.f8E4M3, 464, 0x7E), (.f8E4M3, 465, 0x7E), (.f8E4M3, -.infinity, 0xFE),
      (.f8E4M3, 0x1p-9, 1), (.f8E4M3, 0x1p-10, 0), (.f8E5M2, 57344, 0x7B), (.f8E5M2, 61440, 0x7C),
      (.f8E5M2, 1.125, 0x3C), (.f8E5M2, 1.375, 0x3E), (.f8E5M2, 0, 0), (.f8E5M2, -0.0, 0x80),
    ]
    try inFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      for (type, value, expected) in cases {
        let bytes = (0..<8).map { UInt8(value.bitPattern >> (8 * UInt64($0)) & 0xFF) }
        try Safetensors.write([NewTensor(name: "x", type: .f64, shape: [], bytes: bytes)], to: url)
        let file = try Checkpoint(url)
        let narrow = try file.bytes(of: file.entries[0], as: type)
        let bits = narrow.reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(bits == expected, "\(value) as \(type.rawValue)")
      }
    }
  }

  @Test("Two files are compared by names, shapes, types and numbers")
  func differences() throws {
    try inFolder { folder in
      let a = folder.appendingPathComponent("a.safetensors")
      let b = folder.appendingPathComponent("b.safetensors")
      func floats(_ name: String, _ values: [Float]) -> NewTensor {
        let bytes = values.flatMap { value in
          (0..<4).map { UInt8(value.bitPattern >> (8 * UInt32($0)) & 0xFF) }
        }
        return NewTensor(name: name, type: .f32, shape: [values.count], bytes: bytes)
      }
      try Safetensors.write(
        [
          floats("same", [1, 2]), floats("near", [1, 2, 3]), floats("nan", [.nan]),
          floats("shape", [1]), floats("mine", [1]),
        ], to: a)
      try Safetensors.write(
        [
          floats("same", [1, 2]), floats("near", [1, 2.5, 2.75]), floats("nan", [0]),
          floats("shape", [1, 1]), floats("yours", [1]),
        ], to: b)
      let differences = try Checkpoint(a).differences(to: Checkpoint(b))
      #expect(
        differences == [
          .content(name: "near", .f32, .f32, count: 2, largest: 0.5),
          .content(name: "nan", .f32, .f32, count: 1, largest: nil),
          .shape(name: "shape", [1], [2]), .onlyInFirst(name: "mine", shape: [1]),
          .onlyInSecond(name: "yours", shape: [1]),
        ])
      #expect(try Checkpoint(a).differences(to: Checkpoint(a)).isEmpty)
      let half = folder.appendingPathComponent("c.pth")
      try Checkpoint(a).write(to: half, as: .f16)
      let types = try Checkpoint(a).differences(to: Checkpoint(half))
      #expect(types.contains(.content(name: "near", .f32, .f16, count: 0, largest: 0)))
    }
  }

  @Test("A sparse file of 5 GB opens in milliseconds")
  func large() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("large.safetensors")
      let size = 5_000_000_000
      let header = #"{"a":{"dtype":"U8","shape":[\#(size)],"data_offsets":[0,\#(size)]}}"#
      let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
      try Data(length + header.utf8).write(to: url)
      let handle = try FileHandle(forWritingTo: url)
      do {
        try handle.truncate(atOffset: UInt64(8 + header.utf8.count + size))
      } catch {
        return  // A file system without holes or with smaller files.
      }
      let clock = ContinuousClock()
      let times = try (0..<5).map { _ in
        let start = clock.now
        let file = try Checkpoint(url)
        #expect(file.byteCount == size)
        return clock.now - start
      }
      #expect(times.min()! < .milliseconds(20))
    }
  }
}

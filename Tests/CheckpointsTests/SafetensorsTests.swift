import Checkpoints
import Foundation
import Testing

@Suite struct SafetensorsTests {
  /// A folder of its own that is gone after the body.
  func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("safetensors \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  func tensor(
    _ name: String, _ type: Safetensors.ElementType, _ shape: [Int], seed: UInt8 = 1
  ) -> Safetensors.Tensor {
    let count = type.byteCount(shape) ?? 0
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) &+ seed }
    return Safetensors.Tensor(name: name, type: type, shape: shape, bytes: bytes)
  }

  @Test("What is written is read again: every type, names, shapes, metadata")
  func roundTrip() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("all.safetensors")
      let types = Safetensors.ElementType.allCases.filter(\.isInSafetensors)
      let tensors =
        types.map { tensor("t.\($0.rawValue)", $0, [2, 4]) } + [
          tensor("e\u{301}", .f32, []), tensor("\u{E9}", .i64, [3, 0, 2]), tensor("", .u8, [5]),
        ]
      try Safetensors.write(tensors, metadata: ["b": "\"2\"\n", "a": "数"], to: url)
      let file = try SafetensorsFile(url)
      #expect(file.metadata == ["a": "数", "b": "\"2\"\n"])
      #expect(file.entries.count == tensors.count)
      for tensor in tensors {
        let entry = try #require(file[tensor.name])
        #expect(entry.type == tensor.type)
        #expect(entry.shape == tensor.shape)
        let expected = (0..<entry.byteRange.count).map { UInt8(truncatingIfNeeded: $0 &* 7) &+ 1 }
        #expect(file.bytes(of: entry) == expected)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
    }
  }

  @Test("Data begin at a multiple of eight, and every tensor is aligned for its elements")
  func alignment() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try Safetensors.write(
        [
          tensor("odd", .u8, [3]), tensor("half", .f16, [3]), tensor("one", .f32, [5]),
          tensor("two", .f32, [1]), tensor("wide", .f64, [1]),
        ], to: url)
      let file = try SafetensorsFile(url)
      #expect(file.entries.map(\.name) == ["wide", "one", "two", "half", "odd"])
      #expect(file.entries[0].byteRange.lowerBound % 8 == 0)
      for entry in file.entries {
        #expect(entry.byteRange.lowerBound % (entry.type.bitCount / 8) == 0, "\(entry.name)")
      }
    }
  }

  @Test("The same tensors give the same bytes, with the header that the format describes")
  func exactBytes() throws {
    try inFolder { folder in
      let urls = ["a", "b"].map { folder.appendingPathComponent($0) }
      for url in urls {
        try Safetensors.write([tensor("w", .i8, [2])], metadata: ["z": "1", "a": "2"], to: url)
      }
      let bytes = try urls.map { try [UInt8](Data(contentsOf: $0)) }
      #expect(bytes[0] == bytes[1])
      let text =
        #"{"__metadata__":{"a":"2","z":"1"},"#
        + #""w":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#
      let padded = text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
      #expect(bytes[0] == [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0] + padded.utf8 + [1, 8])
    }
  }

  @Test("Content in pieces is joined, and content of the wrong size leaves the old file")
  func streaming() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("s.safetensors")
      func write(pieces: Int) throws(CheckpointError) {
        let streamed = unsafe Safetensors.Tensor(name: "x", type: .u8, shape: [300]) {
          append throws(CheckpointError) in
          let piece = [UInt8](repeating: 9, count: 100)
          for _ in 0..<pieces {
            try unsafe piece.span.withUnsafeBytes { bytes throws(CheckpointError) in
              try unsafe append(bytes)
            }
          }
        }
        try Safetensors.write([streamed], to: url)
      }
      try write(pieces: 3)
      for wrong in [2, 4] {
        let error = #expect(throws: CheckpointError.self) { try write(pieces: wrong) }
        #expect(error?.description.contains("gave \(wrong * 100) bytes") == true)
        let file = try SafetensorsFile(url)
        #expect(file.bytes(of: file.entries[0]) == [UInt8](repeating: 9, count: 300))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
      }
    }
  }

  @Test("An open file keeps its bytes when another takes its name")
  func replacement() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("r.safetensors")
      try Safetensors.write([tensor("x", .u8, [4], seed: 1)], to: url)
      let old = try SafetensorsFile(url)
      try Safetensors.write([tensor("x", .u8, [4], seed: 5)], to: url)
      #expect(old.bytes(of: old.entries[0]) == [1, 8, 15, 22])
      let new = try SafetensorsFile(url)
      #expect(new.bytes(of: new.entries[0]) == [5, 12, 19, 26])
    }
  }

  @Test("Tensors that no file can hold are refused")
  func refusals() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("x")
      for tensors in [
        [tensor("a", .u8, [1]), tensor("a", .u8, [1])], [tensor("__metadata__", .u8, [1])],
        [tensor("a", .f32, [-1])], [tensor("a", .f32, [.max, 2])], [tensor("a", .f4, [3])],
      ] {
        #expect(throws: CheckpointError.self) { try Safetensors.write(tensors, to: url) }
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty)
    }
  }

  @Test("Missing files, folders and endless nesting are errors that name the file")
  func unreadable() throws {
    try inFolder { folder in
      let nested = folder.appendingPathComponent("nested")
      let text = "{\"a\":" + String(repeating: "[", count: 200_000)
      let length = (0..<8).map { UInt8(truncatingIfNeeded: text.utf8.count >> (8 * $0)) }
      try Data(length + text.utf8).write(to: nested)
      for url in [folder, folder.appendingPathComponent("none"), nested] {
        let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(url) }
        #expect(error?.description.contains(url.path) == true)
      }
      let inMissing = folder.appendingPathComponent("none/x")
      #expect(throws: CheckpointError.self) {
        try Safetensors.write([tensor("a", .u8, [1])], to: inMissing)
      }
    }
  }

  @Test("Any one byte changed in a header traps nowhere")
  func everyByte() throws {
    try inFolder { folder in
      let url = folder.appendingPathComponent("m")
      try Safetensors.write([tensor("a", .u8, [3]), tensor("b", .f32, [2])], to: url)
      let good = try [UInt8](Data(contentsOf: url))
      var refused = 0
      for index in 0..<good.count - 11 {
        for byte: UInt8 in [0, 0x22, 0x2D, 0x39, 0x7D, 0xFF] {
          var bytes = good
          bytes[index] = byte
          try Data(bytes).write(to: url)
          do {
            let file = try SafetensorsFile(url)
            for entry in file.entries { _ = file.bytes(of: entry) }
          } catch { refused += 1 }
        }
      }
      #expect(refused > 100)
    }
  }
}

import Foundation
import Reports
import Testing

/// A folder that goes away with the test.
private final class Folder {
  let path = FileManager.default.temporaryDirectory.path + "/apus-logs-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
}

private func bytes(_ path: String) -> [UInt8] {
  [UInt8](FileManager.default.contents(atPath: path) ?? Data())
}

private func put(_ bytes: [UInt8], _ path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

@Suite("metrics.jsonl")
struct MetricsLogTests {
  private func entries(_ steps: ClosedRange<Int>) -> [MetricsLog.Entry] {
    steps.flatMap { step -> [MetricsLog.Entry] in
      let line = MetricsLog.Entry(
        event: "step", step: step, values: ["loss": 1 / Double(step), "learning_rate": 1e-3])
      guard step.isMultiple(of: 5) else { return [line] }
      return [
        line,
        .init(event: "eval", step: step, values: ["bits_per_dim": 2.5]),
        .init(event: "checkpoint", step: step, texts: ["path": "checkpoints/step-\(step)"]),
      ]
    }
  }

  @Test("has stable lines and reads them back")
  func lines() throws {
    let folder = try Folder()
    let path = folder.file("metrics.jsonl")
    let log = try MetricsLog(path: path, resumingAfter: nil)
    let entry = MetricsLog.Entry(
      event: "step", step: 3, values: ["loss": 0.5, "b": .nan], texts: ["a": "q\"\\\n\u{1}é"])
    try log.append(entry)
    try log.synchronize()
    #expect(
      String(decoding: bytes(path), as: UTF8.self)
        == #"{"event":"step","step":3,"a":"q\"\\\n\u0001é","b":null,"loss":0.5}"# + "\n")
    let back = try #require(try MetricsLog.entries(path: path).first)
    #expect(back.step == 3 && back.event == "step")
    #expect(back.values["loss"] == 0.5)
    #expect(back.values["b"]?.isNaN == true)
    #expect(back.texts == entry.texts)
  }

  @Test("of a run killed anywhere and resumed is that of an uninterrupted one, to the byte")
  func resumes() throws {
    let folder = try Folder()
    let whole = folder.file("whole")
    let log = try MetricsLog(path: whole, resumingAfter: nil)
    for entry in entries(1...20) { try log.append(entry) }
    let expected = bytes(whole)
    // Killed after each number of bytes that leaves the checkpoint of step 10 complete.
    let checkpoint = try #require(
      String(decoding: expected, as: UTF8.self).range(of: "checkpoints/step-10\"}\n"))
    let first = String(decoding: expected, as: UTF8.self).utf8.distance(
      from: String(decoding: expected, as: UTF8.self).startIndex, to: checkpoint.upperBound)
    for size in Array(stride(from: first, to: expected.count, by: 13)) + [expected.count] {
      let path = folder.file("killed")
      try put(Array(expected.prefix(size)), path)
      let log = try MetricsLog(path: path, resumingAfter: 10)
      for entry in entries(11...20) { try log.append(entry) }
      #expect(bytes(path) == expected, "killed after \(size) bytes")
    }
  }

  @Test("forgets what an interrupted run said about its end")
  func forgetsTheEnd() throws {
    let folder = try Folder()
    let path = folder.file("metrics.jsonl")
    var log = try MetricsLog(path: path, resumingAfter: nil)
    for entry in entries(1...10) { try log.append(entry) }
    let expected = bytes(path)
    try log.append(.init(event: "interrupted", step: 10))
    log = try MetricsLog(path: path, resumingAfter: 10)
    #expect(bytes(path) == expected)
  }

  @Test("says which line is damaged, but bears a torn last one")
  func damage() throws {
    let folder = try Folder()
    let path = folder.file("metrics.jsonl")
    let line = #"{"event":"step","step":1,"loss":2}"# + "\n"
    try put(Array((line + "torn\n" + line).utf8), path)
    #expect(throws: ReportsError.damagedLog(path: path, line: 2)) {
      try MetricsLog.entries(path: path)
    }
    try put(Array((line + #"{"event":"st"#).utf8), path)
    #expect(try MetricsLog.entries(path: path).count == 1)
    try put(Array((line + "\0\0\0\n").utf8), path)
    #expect(try MetricsLog.entries(path: path).count == 1)
    #expect(throws: ReportsError.self) {
      try MetricsLog(path: folder.file("no/such/folder"), resumingAfter: nil)
    }
  }
}

@Suite("TensorBoard's file")
struct TensorBoardTests {
  @Test("begins as TensorBoard's own and holds the bytes of the protocol")
  func format() throws {
    let folder = try Folder()
    let path = folder.file("events.out.tfevents.1")
    let writer = try TensorBoardWriter(path: path, resumingAfter: nil, wallTime: 1)
    try writer.append(step: 300, wallTime: 2, scalars: ["loss": 0.5])
    let bytes = bytes(path)
    // Length 24 and its masked checksum open every event file of TensorFlow.
    #expect(bytes.prefix(12) == [0x18, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22])
    #expect(bytes[12..<21] == [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(Array(bytes[21..<36]) == [0x1A, 0x0D] + Array("brain.Event:2".utf8))
    let event: [UInt8] =
      [0x09, 0, 0, 0, 0, 0, 0, 0x00, 0x40, 0x10, 0xAC, 0x02, 0x2A, 0x0D, 0x0A, 0x0B, 0x0A, 0x04]
      + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
    #expect(Array(bytes[52..<52 + event.count]) == event)
    #expect(bytes.count == 40 + 16 + event.count)
  }

  @Test("has the checksums of Castagnoli")
  func checksum() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
  }

  @Test("of a run killed anywhere and resumed is that of an uninterrupted one, to the byte")
  func resumes() throws {
    let folder = try Folder()
    let whole = folder.file("whole")
    func write(_ steps: ClosedRange<Int>, to writer: TensorBoardWriter) throws {
      for step in steps {
        try writer.append(
          step: step, wallTime: Double(step), scalars: ["loss": 1 / Double(step), "rate": 1])
      }
    }
    try write(1...8, to: try TensorBoardWriter(path: whole, resumingAfter: nil, wallTime: 0))
    let expected = bytes(whole)
    let record = (expected.count - 40) / 8
    for size in Array(stride(from: 40 + 4 * record, to: expected.count, by: 5)) + [expected.count] {
      let path = folder.file("killed")
      try put(Array(expected.prefix(size)), path)
      try write(5...8, to: try TensorBoardWriter(path: path, resumingAfter: 4, wallTime: 9))
      #expect(bytes(path) == expected, "killed after \(size) bytes")
    }
  }

  @Test("is begun anew where a crash left less than a record, and never in a foreign file")
  func beginnings() throws {
    let folder = try Folder()
    let path = folder.file("events")
    try put([0x18, 0, 0], path)
    _ = try TensorBoardWriter(path: path, resumingAfter: 4, wallTime: 1)
    #expect(bytes(path).count == 40)
    let foreign = Array("This is a text of some other program.".utf8)
    try put(foreign, path)
    #expect(throws: ReportsError.notEvents(path: path)) {
      try TensorBoardWriter(path: path, resumingAfter: 4, wallTime: 1)
    }
    #expect(bytes(path) == foreign)
  }
}

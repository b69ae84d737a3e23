import Foundation
import Testing
import XLA

/// The cache of compiled programs takes nothing for a program that is not exactly one.
@Suite struct ExecutableFileTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("apus-executables-\(UUID().uuidString)")
  private let program = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }

  private func file(_ origin: String) -> ExecutableFile {
    ExecutableFile(in: folder, origin: Array(origin.utf8))
  }

  @Test func `A program is read as it was written, for its own origin only`() {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(file("a").read() == nil)
    file("a").write(program)
    #expect(file("a").read() == program)
    #expect(file("b").read() == nil)
    // Another program under the same name.
    try? FileManager.default.copyItem(at: file("a").url, to: file("b").url)
    #expect(file("b").read() == nil)
    file("b").write([])
    #expect(file("b").read() == [])
  }

  @Test func `A damaged file is no program and is replaced`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    file("a").write(program)
    let whole = try Data(contentsOf: file("a").url)
    for length in [0, 5, 30, whole.count - 1] {
      try whole.prefix(length).write(to: file("a").url)
      #expect(file("a").read() == nil, "\(length) bytes")
    }
    for place in [0, 25, 35, whole.count - 1] {
      var damaged = whole
      damaged[place] ^= 1
      try damaged.write(to: file("a").url)
      #expect(file("a").read() == nil, "byte \(place)")
    }
    file("a").write(program)
    #expect(file("a").read() == program)
  }

  @Test func `The oldest files go where there are too many`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (age, name) in ["new", "middle", "old"].enumerated() {
      file(name).write(program)
      try FileManager.default.setAttributes(
        [.modificationDate: Date().addingTimeInterval(-100 * Double(age))],
        ofItemAtPath: file(name).url.path)
    }
    ExecutableFile.trim(folder, to: 2500)
    #expect(file("new").read() == program)
    #expect(file("middle").read() == program)
    #expect(file("old").read() == nil)
  }

  @Test func `A folder that cannot be written is no cache`() {
    let nowhere = ExecutableFile(in: URL(fileURLWithPath: "/dev/null/x"), origin: [1])
    nowhere.write(program)
    #expect(nowhere.read() == nil)
  }
}

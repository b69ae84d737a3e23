import ArgumentParser
import CKernels
import COneDNN
import Datasets
import Documents
import Foundation
import Images
import Reports
import Tensors
import XLA

struct DoctorCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Says whether this machine has what Apus needs, and tries it.",
    discussion: """
      Computes a matrix product, a picture and a compressed text and compares them with what they \
      must be. Exit code 4 if something does not work; missing data sets are no fault.
      """)

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    let diagnosis = Diagnosis()
    if console.json {
      try console.result(diagnosis.json)
    } else {
      try console.result(diagnosis.text(on: console.output))
    }
    if let fault = diagnosis.libraries.first(where: { $0.fault != nil }), let reason = fault.fault {
      guard !console.json else { throw ExitCode(Failure.Kind.unavailable.exitCode) }
      throw Failure(
        .unavailable, "\(fault.name) does not work: \(reason).",
        attempts: ["install it again with your system's package manager"])
    }
  }
}

/// What the doctor finds.
private struct Diagnosis {
  struct Library {
    var name: String
    var version: String
    /// What is wrong with it, found by using it.
    var fault: String?
  }

  let libraries: [Library]
  let processor = Machine.processor
  let cores = ProcessInfo.processInfo.activeProcessorCount
  let threads = Int(apus_threads())
  let instructionSet = unsafe String(cString: apus_instruction_set())
  let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
  let plugins = FoundPlugin.all()
  let data = DatasetCatalog.all.map { ($0, $0.status()) }

  init() {
    let faults = ["libpng": Trial.picture(), "zlib": Trial.compression()]
    let oneDNN = Library(
      name: "oneDNN", version: unsafe String(cString: apus_onednn_version()),
      fault: Trial.product())
    libraries =
      [oneDNN]
      + LinkedLibraries.versions.map { library in
        let fault = faults[library.name] ?? nil
        return Library(name: library.name, version: library.version, fault: fault)
      }
  }

  var isWell: Bool { libraries.allSatisfy { $0.fault == nil } }

  static let buildHint = "swift build -c release"

  var json: JSONValue {
    .object([
      .init("version", .string(apusVersion)),
      .init("build", .string(isDebugBuild ? "debug" : "release")),
      .init(
        "cpu",
        .object([
          .init("model", .string(processor)), .init("cores", .integer(cores)),
          .init("isa", .string(instructionSet)), .init("threads", .integer(threads)),
        ])),
      .init("memory_mb", .integer(memory / 1_000_000)),
      .init("libraries", .array(libraries.map(json))),
      .init("plugins", .array(plugins.map(\.json))),
      .init("data", .array(data.map { DataList.json($0.0, $0.1) })),
      .init("ok", .bool(isWell)),
    ])
  }

  private func json(_ library: Library) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(library.name)), .init("version", .string(library.version)),
      .init("status", .string(library.fault == nil ? "ok" : "failed")),
    ]
    if let fault = library.fault { members.append(.init("hint", .string(fault))) }
    return .object(members)
  }

  func text(on terminal: Terminal) -> String {
    let sign = { (isGood: Bool) in
      isGood
        ? terminal.paint(terminal.unicode ? "✓" : "ok", .green)
        : terminal.paint(terminal.unicode ? "✕" : "FAILED", .red)
    }
    var machine = Columns(.left, .left)
    machine.add("apus", apusVersion + (isDebugBuild ? ", debug build" : ""))
    machine.add("processor", processor)
    machine.add("cores", cores == threads ? "\(cores)" : "\(cores), \(threads) threads in use")
    machine.add("instructions", instructionSet)
    machine.add("memory", Wording.bytes(memory))
    var lines = machine.lines
    lines.append("")
    var table = Columns(.left, .left)
    for library in libraries {
      let version = library.version.isEmpty ? "version unknown" : library.version
      table.add(library.name, library.fault.map { "\(version), \($0)" } ?? version)
    }
    lines += zip(libraries, table.lines).map { "\(sign($0.fault == nil)) \($1)" }
    lines.append("")
    var accelerators = Columns(.left, .left)
    for plugin in plugins { accelerators.add("xla:\(plugin.platform.rawValue)", plugin.text) }
    lines += zip(plugins, accelerators.lines).map { plugin, line in
      (plugin.path == nil
        ? terminal.paint(terminal.unicode ? "–" : "--", .dim) : sign(plugin.fault == nil)) + " "
        + line
    }
    lines.append("")
    var sets = Columns(.left, .left)
    for (entry, status) in data {
      let inside = entry.embeddedItems > 0 ? "a part is inside; all of it: " : ""
      let mend = "damaged: " + entry.howToMend
      sets.add(
        entry.name,
        status == .present ? "present" : status == .damaged ? mend : inside + entry.howToGet)
    }
    lines += zip(data, sets.lines).map { data, line in
      (data.1 == .present ? sign(true) : terminal.paint(terminal.unicode ? "–" : "--", .dim))
        + " " + line
    }
    lines.append("")
    if isDebugBuild {
      lines.append("This is a debug build: it computes many times slower than a release build.")
      lines.append("Build with: \(Self.buildHint)")
    }
    lines.append(isWell ? "All is well." : "Something does not work.")
    return lines.map(terminal.shown).joined(separator: "\n")
  }
}

/// Small works with a known result, one for each library that computes.
private enum Trial {
  /// A product of two 48 by 48 matrices of small whole numbers is exact in float32.
  static func product() -> String? {
    let size = 48
    let left = (0..<size * size).map { Float($0 * 7 % 11 - 5) }
    let right = (0..<size * size).map { Float($0 * 5 % 13 - 6) }
    let product = matrixProduct(
      Tensor(left, shape: [size, size]), Tensor(right, shape: [size, size])
    ).floats()
    for row in 0..<size {
      for column in 0..<size {
        let sum = (0..<size).reduce(Float(0)) {
          $0 + left[row * size + $1] * right[$1 * size + column]
        }
        if product[row * size + column] != sum {
          return "a matrix product has \(product[row * size + column]) in place of \(sum)"
        }
      }
    }
    return nil
  }

  /// A picture is the same after it was written and read.
  static func picture() -> String? {
    let pixels = (0..<16 * 16 * 3).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let picture = Image(width: 16, height: 16, channels: 3, pixels: pixels)
    do {
      return try Image(decoding: picture.pngData()) == picture
        ? nil : "a picture changes when it is written and read"
    } catch {
      return error.explanation
    }
  }

  /// Bytes are the same after they were compressed and inflated.
  static func compression() -> String? {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * $0) }
    do {
      let packed = try Deflate.deflate(bytes, into: .zlib, level: 9)
      return try Deflate.inflate(packed, from: .zlib, limit: bytes.count) == bytes
        ? nil : "bytes change when they are compressed and inflated"
    } catch {
      return error.explanation
    }
  }
}

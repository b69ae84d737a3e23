import ArgumentParser
import Checkpoints
import Documents
import Foundation
import Reports

struct InspectCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Lists the tensors in a file of weights, or compares two.",
    discussion: """
      FILE is a .safetensors file, a PyTorch file (.pth, .pt, .bin), an .npz or .npy array, an \
      .index.json that stands for its shards, or a folder with one of them. Types have the names \
      of the safetensors format. Nothing in a file is executed. Of a PNG picture its size and \
      notes are shown, such as how apus sample made it.

      The tensors' data are not read, but for the checksums of archives up to 64 MB and of any \
      with --check. With --diff the exit code is 1 where the two differ.
      """)

  @Argument(help: "The file or folder.", completion: .file())
  var file: String

  @Option(help: "Compare with this file: names, shapes, types, numbers.", completion: .file())
  var diff: String?

  @Flag(help: "Read all data and check the checksums of archives.")
  var check = false

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    if diff == nil, let picture = try PictureListing(file) {
      return try picture.show(console)
    }
    let checkpoint = try Checkpoint(URL(fileURLWithPath: file))
    if let diff {
      let other = try Checkpoint(URL(fileURLWithPath: diff))
      return try compare(checkpoint, other, console)
    }
    if check || checkpoint.byteCount <= 1 << 26 { try checkpoint.verify() }
    try console.result(
      console.json
        ? String(decoding: json(checkpoint).encoded(), as: UTF8.self)
        : text(checkpoint, on: console.output))
  }

  private func json(_ checkpoint: Checkpoint) -> JSONValue {
    let tensors = checkpoint.entries.map { entry in
      JSONValue.object([
        .init("name", .string(entry.name)),
        .init("shape", .array(entry.shape.map(JSONValue.integer))),
        .init("dtype", .string(entry.type.rawValue)),
        .init("bytes", .integer(entry.byteCount)),
      ])
    }
    return .object([
      .init("format", .string(checkpoint.format)),
      .init("parameters", .integer(checkpoint.elementCount)),
      .init("bytes", .integer(checkpoint.byteCount)),
      .init("metadata", .object(checkpoint.values)),
      .init("files", .array(checkpoint.files.map { .string($0.lastPathComponent) })),
      .init("tensors", .array(tensors)),
    ])
  }

  private func text(_ checkpoint: Checkpoint, on terminal: Terminal) -> String {
    var table = Columns(.left, .left, .left, .right)
    table.add("tensor", "type", "shape", "size")
    for entry in checkpoint.entries {
      table.add(
        printable(entry.name), entry.type.rawValue, shown(entry.shape),
        Wording.bytes(entry.byteCount))
    }
    var lines = table.lines
    lines[0] = terminal.paint(lines[0], .dim)
    lines.append("")
    for (name, value) in checkpoint.metadata.sorted(by: { $0.key < $1.key }) {
      lines.append("\(printable(name)): \(printable(value))")
    }
    let files = checkpoint.files.count == 1 ? "" : " in \(checkpoint.files.count) files"
    lines.append(
      "\(checkpoint.format), \(Wording.count(checkpoint.entries.count)) tensors\(files), "
        + "\(Wording.count(checkpoint.elementCount)) parameters, "
        + Wording.bytes(checkpoint.byteCount))
    return lines.map(terminal.shown).joined(separator: "\n")
  }

  private func shown(_ shape: [Int]) -> String {
    shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: " × ")
  }

  // MARK: - Differences

  private func compare(_ a: Checkpoint, _ b: Checkpoint, _ console: Console) throws {
    let differences = try a.differences(to: b)
    if console.json {
      try console.result(
        JSONValue.object([
          .init("equal", .bool(differences.isEmpty)),
          .init("differences", .array(differences.map(json))),
        ]))
    } else {
      let lines = differences.map { console.output.shown(text($0)) }
      let count = Wording.count(a.entries.count)
      try console.result(
        lines.isEmpty
          ? "all \(count) tensors are equal"
          : lines.joined(separator: "\n") + "\n\(Wording.count(lines.count)) tensors differ")
    }
    guard differences.isEmpty else { throw ExitCode(1) }
  }

  private func json(_ difference: TensorDifference) -> JSONValue {
    var members = [JSONValue.Member("name", .string(difference.name))]
    let numbers = { (shape: [Int]) in JSONValue.array(shape.map(JSONValue.integer)) }
    switch difference {
    case .onlyInFirst(_, let shape):
      members.append(.init("shape", .array([numbers(shape), .null])))
    case .onlyInSecond(_, let shape):
      members.append(.init("shape", .array([.null, numbers(shape)])))
    case .shape(_, let a, let b): members.append(.init("shape", .array([numbers(a), numbers(b)])))
    case .content(_, let a, let b, let count, let largest):
      members += [
        .init("dtype", .array([.string(a.rawValue), .string(b.rawValue)])),
        .init("count", .integer(count)),
        .init("max_abs", largest.map { .number($0) } ?? .null),
      ]
    }
    return .object(members)
  }

  private func text(_ difference: TensorDifference) -> String {
    let name = printable(difference.name)
    switch difference {
    case .onlyInFirst(_, let shape): return "\(name) (\(shown(shape))) is in the first alone"
    case .onlyInSecond(_, let shape): return "\(name) (\(shown(shape))) is in the second alone"
    case .shape(_, let a, let b):
      return "\(name) is \(shown(a)) in the first, \(shown(b)) in the second"
    case .content(_, let a, let b, let count, let largest):
      let types = a == b ? a.rawValue : "\(a.rawValue) and \(b.rawValue)"
      let most = largest.map { "by at most \($0)" } ?? "in what is no number"
      return count == 0
        ? "\(name): \(types)" : "\(name): \(types), \(Wording.count(count)) numbers differ \(most)"
    }
  }
}

/// A text of somebody else's file, without characters that could steer a terminal.
func printable(_ text: String) -> String {
  var safe = ""
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
      safe += "\\u{\(String(scalar.value, radix: 16))}"
    default: safe.unicodeScalars.append(scalar)
    }
  }
  return safe
}

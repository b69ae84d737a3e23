import ArgumentParser
import Checkpoints
import Documents
import Foundation
import Reports

struct InspectCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Lists the tensors in a file of weights, without reading their data.",
    discussion: """
      FILE is a .safetensors file, an .index.json that stands for its shards, or a folder with \
      one of them. Types have the names of the safetensors format.
      """)

  @Argument(help: "The file or folder.", completion: .file())
  var file: String

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    let listing = try TensorListing(URL(fileURLWithPath: file))
    try console.result(
      console.json
        ? String(decoding: json(listing).encoded(), as: UTF8.self)
        : text(listing, on: console.output))
  }

  private func json(_ listing: TensorListing) -> JSONValue {
    let metadata = listing.metadata.sorted { $0.key < $1.key }
    let tensors = listing.items.map { item in
      JSONValue.object([
        .init("name", .string(item.name)),
        .init("shape", .array(item.shape.map(JSONValue.integer))),
        .init("dtype", .string(item.type)),
        .init("bytes", .integer(item.byteCount)),
      ])
    }
    return .object([
      .init("format", .string(listing.format)),
      .init("parameters", .integer(listing.elementCount)),
      .init("bytes", .integer(listing.byteCount)),
      .init("metadata", .object(metadata.map { .init($0.key, .string($0.value)) })),
      .init("files", .array(listing.files.map { .string($0.lastPathComponent) })),
      .init("tensors", .array(tensors)),
    ])
  }

  private func text(_ listing: TensorListing, on terminal: Terminal) -> String {
    var table = Columns(.left, .left, .left, .right)
    table.add("tensor", "type", "shape", "size")
    for item in listing.items {
      let shape = item.shape.map(String.init).joined(separator: " × ")
      table.add(
        printable(item.name), item.type, shape.isEmpty ? "scalar" : shape,
        Wording.bytes(item.byteCount))
    }
    var lines = table.lines
    lines[0] = terminal.paint(lines[0], .dim)
    lines.append("")
    for (name, value) in listing.metadata.sorted(by: { $0.key < $1.key }) {
      lines.append("\(printable(name)): \(printable(value))")
    }
    let files = listing.files.count == 1 ? "" : " in \(listing.files.count) files"
    lines.append(
      "\(listing.format), \(Wording.count(listing.items.count)) tensors\(files), "
        + "\(Wording.count(listing.elementCount)) parameters, \(Wording.bytes(listing.byteCount))")
    return lines.map(terminal.shown).joined(separator: "\n")
  }

  /// A text of somebody else's file, without characters that could steer a terminal.
  private func printable(_ text: String) -> String {
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
}

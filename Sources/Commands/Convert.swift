import ArgumentParser
import Checkpoints
import Documents
import Foundation
import Reports

struct ConvertCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes a file of weights in another format.",
    discussion: """
      IN is anything that apus inspect lists. The ending of OUT names its format: .safetensors, \
      .pth, .pt or .bin (PyTorch), .npz, or .npy for a single tensor. OUT takes its name when it is \
      complete and on the disk; whatever stops the command, what stood there before still stands.
      """)

  @Argument(help: "The file or folder to read.", completion: .file())
  var input: String

  @Argument(help: "The file to write.", completion: .file())
  var out: String

  @Option(
    help: "A type for all floating-point tensors: \(Self.names).",
    completion: .list(Self.types.map(\.name)))
  var dtype: String?

  @Option(
    help: """
      The most bytes of tensors in a file, such as 5GB or 500MB: more are written as shards beside \
      an index (.safetensors).
      """)
  var shardSize: String?

  @OptionGroup var output: OutputOptions

  private static let types: [(name: String, type: ElementType)] = [
    ("float64", .f64), ("float32", .f32), ("float16", .f16), ("bfloat16", .bf16),
    ("float8_e4m3", .f8E4M3), ("float8_e5m2", .f8E5M2),
  ]
  private static var names: String { types.map(\.name).joined(separator: ", ") }

  func execute(_ console: Console) throws {
    let type = try dtype.map(Self.type)
    let limit = try shardSize.map(Self.byteCount)
    let checkpoint = try Checkpoint(URL(fileURLWithPath: input))
    let url = URL(fileURLWithPath: out)
    let files = try checkpoint.write(to: url, as: type, shardByteCount: limit)
    if url.pathExtension.lowercased() != "safetensors", !checkpoint.values.isEmpty {
      console.note(
        "\(Wording.count(checkpoint.values.count)) values beside the tensors are left out: "
          + "only .safetensors keeps them.")
    }
    let written = try Checkpoint(files[0])
    try console.result(
      console.json
        ? String(decoding: Self.json(written, files).encoded(), as: UTF8.self)
        : "\(files[0].path): \(written.format), \(Wording.count(written.entries.count)) tensors, "
          + Wording.bytes(written.byteCount))
  }

  private static func json(_ checkpoint: Checkpoint, _ files: [URL]) -> JSONValue {
    .object([
      .init("format", .string(checkpoint.format)),
      .init("tensors", .integer(checkpoint.entries.count)),
      .init("bytes", .integer(checkpoint.byteCount)),
      .init("outputs", .array(files.map { .string($0.path) })),
    ])
  }

  private static func type(_ name: String) throws(Failure) -> ElementType {
    let lower = name.lowercased()
    if let known = types.first(where: { $0.name == lower || $0.type.rawValue.lowercased() == lower }
    ) {
      return known.type
    }
    throw .unknownName(name, of: "type", among: types.map(\.name), attempts: ["--dtype bfloat16"])
  }

  /// A size such as 5GB.
  private static func byteCount(_ text: String) throws(Failure) -> Int {
    let units = ["": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000]
    let digits = text.prefix { $0.isNumber }
    let unit = text.dropFirst(digits.count).trimmingCharacters(in: .whitespaces).uppercased()
    guard let number = Int(digits), number > 0, let factor = units[unit],
      case (let size, false) = number.multipliedReportingOverflow(by: factor)
    else {
      throw Failure(
        .usage, "\"\(text)\" is no size.", attempts: ["--shard-size 5GB", "--shard-size 500MB"])
    }
    return size
  }
}

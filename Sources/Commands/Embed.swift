import ArgumentParser
import Checkpoints
import Documents
import Foundation
import Layers
import Published
import Tensors

struct EmbedCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "embed", abstract: "Turns texts into vectors.",
    discussion: """
      Near vectors mean something similar. Prints one line a text: its numbers, or with --json an \
      object; --out writes them all as the tensor "embeddings" of a safetensors file.
      """)

  @Option(help: "The folder of published weights with its tokenizer.json.", completion: .directory)
  var model: String

  @Argument(help: "The texts; each line of standard input where there are none.")
  var texts: [String] = []

  @Option(
    help:
      "How the states of tokens become one vector: mean, first or last (default: the folder's).",
    completion: .list(TextEmbedder.Pooling.allCases.map(\.rawValue)))
  var pooling: String?

  @Flag(inversion: .prefixedNo, help: "Vectors have length 1.")
  var normalize = true

  @Option(help: "The safetensors file to write.", completion: .file(extensions: ["safetensors"]))
  var out: String?

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    try compute.run(console) { try embed(console) }
  }

  private func embed(_ console: Console) throws {
    var embedder = try TextEmbedder(ModelFolder(URL(fileURLWithPath: model)))
    if let pooling {
      guard let known = TextEmbedder.Pooling(rawValue: pooling) else {
        throw Failure.unknownName(
          pooling, of: "pooling", among: TextEmbedder.Pooling.allCases.map(\.rawValue),
          attempts: ["--pooling mean"])
      }
      embedder.pooling = known
    }
    embedder.isNormalized = normalize
    let texts = texts.isEmpty ? lines() : texts
    guard !texts.isEmpty else {
      throw Failure(
        .usage, "there are no texts.", attempts: ["apus embed --model FOLDER \"a text\""])
    }
    let vectors = try embedder(texts)
    if let out {
      try Safetensors.write(Embeddings(embeddings: vectors).leaves, to: URL(fileURLWithPath: out))
      return try console.result(
        console.json ? String(decoding: JSONValue.string(out).encoded(), as: UTF8.self) : out)
    }
    let (numbers, width) = (vectors.floats(), vectors.shape[1])
    for (i, text) in texts.enumerated() {
      let vector = numbers[(i * width)..<((i + 1) * width)]
      guard console.json else {
        try console.result(vector.map { "\($0)" }.joined(separator: " "))
        continue
      }
      try console.result(
        .object([
          .init("index", .integer(i)), .init("text", .string(text)),
          .init("embedding", .array(vector.map { .number(Double($0)) })),
        ]))
    }
  }

  private func lines() -> [String] {
    var lines: [String] = []
    while let line = readLine() { lines.append(line) }
    return lines
  }
}

/// What the file holds.
private struct Embeddings: Module {
  var embeddings: Tensor

  mutating func visit(_ visitor: inout Visitor) { visitor("embeddings", &embeddings) }
}

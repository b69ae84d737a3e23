import ArgumentParser
import Documents
import Foundation
import Images
import Recipes
import Reports
import Samplers
import Training

struct CompressCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Makes data smaller by a trained model, without loss.",
    discussion: """
      Every model that gives exact probabilities of bytes, pixels or levels is a codec: the size of \
      the file is what the model says the data are worth, -log2 p bits. apus decompress with the \
      same model gives the same bytes back. Without INPUT the data are compressed that the model \
      is measured on.
      """)

  @Argument(
    help: """
      The file to compress: a text; for models of pictures an IDX file (not gzipped) or their \
      pixels as bytes.
      """, completion: .file())
  var input: String?

  @OptionGroup var source: ModelOptions

  @Option(help: "The file to write.", completion: .file())
  var out: String

  @Option(help: "Take no more than so many items: pictures, or bytes of a text.")
  var count: Int?

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count \(count) is not at least 1") }
  }

  func execute(_ console: Console) throws {
    try compute.run(console) { try compress(console) }
  }

  private func compress(_ console: Console) throws {
    let model = try source.trained()
    let codec = try model.codec(console)
    var data = try input.map(fileBytes) ?? codec.test
    let head = codec.headByteCount(of: data)
    if let count {
      let size = count.multipliedReportingOverflow(by: codec.codec.itemByteCount)
      if !size.overflow, size.partialValue < data.count - head {
        guard head == 0 else {
          throw Failure(
            .usage, "--count cannot cut an IDX file, whose head says how many pictures it has.")
        }
        data = Array(data.prefix(size.partialValue))
      }
    }
    let start = ContinuousClock.now
    let coded: CodedBytes
    do {
      coded = try codec.codec.encode(Array(data.dropFirst(head)))
    } catch {
      throw Failure(.invalid, "\(input ?? "the test data"): \(error).")
    }
    let file = CompressedFile(
      recipe: model.recipe, weights: codec.weights, claimedBits: coded.claimedBits,
      byteCount: data.count,
      checksum: Deflate.crc32(data), head: Array(data.prefix(head)), code: coded.bytes)
    let bytes = file.encoded()
    try OutputFile.write(Data(bytes), to: out)
    try report(
      data.count - head, bytes.count, coded, seconds: (.now - start) / .seconds(1), console)
  }

  private func report(
    _ before: Int, _ after: Int, _ coded: CodedBytes, seconds: Double, _ console: Console
  ) throws {
    let bits = coded.claimedBits / Double(max(1, before))
    if console.json {
      return try console.result(
        .object([
          .init("claimed_bits", .number(coded.claimedBits)), .init("bytes", .integer(after)),
          .init("bits_per_dimension", .number(bits)), .init("original_bytes", .integer(before)),
          .init("outputs", .array([.string(out)])), .init("seconds", .number(seconds)),
        ]))
    }
    let code = Double(8 * coded.bytes.count) / Double(max(1, before))
    try console.result(
      """
      \(out): \(Wording.bytes(before)) became \(Wording.bytes(after))
      \(Wording.quantity(bits, unit: "bits")) a byte by the model, \
      \(Wording.quantity(code, unit: "bits")) in the file
      """)
  }
}

struct DecompressCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "decompress", abstract: "Gives back what apus compress made small.")

  @Argument(help: "The file that apus compress wrote.", completion: .file())
  var input: String

  @OptionGroup var source: ModelOptions

  @Option(help: "The file to write.", completion: .file())
  var out: String

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    try compute.run(console) { try decompress(console) }
  }

  private func decompress(_ console: Console) throws {
    let file = try CompressedFile(decoding: try fileBytes(input), path: input)
    let model = try source.trained()
    let codec = file.recipe == model.recipe ? try model.codec(console) : nil
    guard let codec, file.weights == codec.weights else {
      throw Failure(
        .invalid,
        "\(input) was compressed by other weights, of \(file.recipe): only those know what it says.",
        attempts: ["--model the checkpoint that it was compressed with"])
    }
    let start = ContinuousClock.now
    let damaged = Failure(.invalid, "\(input) is damaged: what it decodes to is not what went in.")
    let data: [UInt8]
    do {
      data =
        try file.head
        + codec.codec.decode(file.code, count: file.byteCount - file.head.count)
    } catch {
      throw damaged
    }
    guard data.count == file.byteCount, Deflate.crc32(data) == file.checksum else { throw damaged }
    try OutputFile.write(Data(data), to: out)
    let seconds = (.now - start) / .seconds(1)
    try console.result(
      console.json
        ? String(
          decoding: JSONValue.object([
            .init("claimed_bits", .number(file.claimedBits)),
            .init("bytes", .integer(data.count)),
            .init("bits_per_dimension", .number(file.claimedBits / Double(max(1, data.count)))),
            .init("outputs", .array([.string(out)])), .init("seconds", .number(seconds)),
          ]).encoded(), as: UTF8.self)
        : "\(out): \(Wording.bytes(data.count))")
  }
}

private func fileBytes(_ path: String) throws(Failure) -> [UInt8] {
  guard let data = FileManager.default.contents(atPath: path) else {
    throw Failure(.missing, "\(path) cannot be read.")
  }
  return [UInt8](data)
}

extension TrainedModel {
  fileprivate func codec(_ console: Console) throws -> RecipeCodec {
    let codec = try Recipes.named(recipe).codec(of: self) { console.note("apus: " + $0) }
    guard let codec else {
      throw Failure(
        .invalid,
        "\(recipe) is no codec: it gives no exact probabilities of bytes, pixels or levels.",
        attempts: ["a language model such as lstm-text, or an autoregressive one"])
    }
    return codec
  }
}

extension RecipeCodec {
  /// The bytes of an IDX file before its pixels; 0 where the bytes are no such file of this model's items.
  fileprivate func headByteCount(of bytes: [UInt8]) -> Int {
    let rank = shape.count + 1
    let count = 4 + 4 * rank
    guard !shape.isEmpty, bytes.count > count, bytes[0...2] == [0, 0, 8], bytes[3] == UInt8(rank)
    else { return 0 }
    let sizes = (0..<rank).map { axis in
      bytes[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
    }
    let isWhole = Array(sizes.dropFirst()) == shape && bytes.count - count == sizes.reduce(1, *)
    return isWhole ? count : 0
  }
}

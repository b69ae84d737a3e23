import ArgumentParser
import Documents
import Foundation
import Images
import Reports
import Tokenizers

struct TokenizeCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Turns texts into a tokenizer's ids, or ids into texts.",
    discussion: """
      Standard input has one JSON value a line: a string, or an object with text and perhaps pair \
      and add_special_tokens; with --decode an array of ids. Every line gives one line of JSON: \
      ids, tokens, offsets (start and end of every token in turn, in Unicode scalars of its text), \
      type_ids and attention_mask, or text.
      """)

  @Option(
    help: "The tokenizer.json file, or a folder with one or with vocab.json and merges.txt.",
    completion: .file())
  var tokenizer: String

  @Flag(help: "Turn arrays of ids into texts.")
  var decode = false

  @Flag(name: .customLong("skip-special-tokens"), help: "Leave special tokens out of texts.")
  var skipSpecialTokens = false

  @Option(
    help: "Encode the lines of this file on one core and print how long that took instead.",
    completion: .file())
  var time: String?

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    if let time { return try measure(Self.lines(of: time), console) }
    let pipeline = try loaded()
    let input = try FileHandle.standardInput.readToEnd() ?? Data()
    for (index, line) in input.split(separator: 0x0A).enumerated() {
      do {
        let value = try JSONValue(parsing: [UInt8](line))
        try console.result(try decode ? text(value, pipeline) : encoding(value, pipeline))
      } catch let error as JSONError {
        throw Failure(.invalid, "line \(index + 1) of the input is no JSON: \(error).")
      } catch let error as TokenizerError {
        throw Failure(.invalid, "line \(index + 1) of the input: \(error).")
      }
    }
  }

  private func loaded() throws(Failure) -> TokenizerPipeline {
    do throws(TokenizerError) {
      let url = URL(fileURLWithPath: tokenizer)
      return url.hasDirectoryPath
        ? try TokenizerPipeline(folder: url) : try TokenizerPipeline(contentsOf: url)
    } catch {
      throw failure(error)
    }
  }

  private static func lines(of path: String) throws(Failure) -> [[UInt8]] {
    guard let text = FileManager.default.contents(atPath: path) else {
      throw Failure(.missing, "\(path) cannot be read.")
    }
    return text.split(separator: 0x0A).map { [UInt8]($0) }
  }

  /// Times the tokenizer's loading and the encoding of all lines without special tokens.
  private func measure(_ lines: [[UInt8]], _ console: Console) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let pipeline = try loaded()
    let loaded = clock.now
    let rows = lines.map { pipeline.encode(bytes: $0, addingSpecialTokens: false) }
    let encoding = (clock.now - loaded) / .seconds(1)
    let loading = (loaded - start) / .milliseconds(1)
    let count = rows.map(\.count).reduce(0, +)
    var sum: UInt32 = 0
    for ids in rows {
      let bytes = ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } }
      sum = Deflate.crc32(bytes, after: sum)
    }
    guard console.json else {
      let megabytes = Double(lines.map { $0.count + 1 }.reduce(0, +)) / 1e6
      let speed = (megabytes / max(encoding, 1e-9)).formatted(.number.precision(.fractionLength(1)))
      return try console.result(
        "loaded in \(Wording.duration(loading / 1000)), \(Wording.count(count)) tokens in "
          + "\(Wording.duration(encoding)), \(speed) MB/s")
    }
    try console.result(
      .object([
        .init("load_ms", .number(loading)), .init("encode_s", .number(encoding)),
        .init("tokens", .integer(count)), .init("crc32", .integer(Int(sum))),
      ]))
  }

  private func failure(_ error: TokenizerError) -> Failure {
    guard case .file = error else { return Failure(.invalid, "\(tokenizer): \(error).") }
    let exists = FileManager.default.fileExists(atPath: tokenizer)
    return Failure(exists ? .invalid : .missing, "\(error).")
  }

  private func text(_ value: JSONValue, _ pipeline: TokenizerPipeline) throws -> JSONValue {
    guard let elements = value.elements else {
      throw TokenizerError.settings(problem: "expected an array of ids")
    }
    let ids = elements.compactMap(\.integer)
    guard ids.count == elements.count else {
      throw TokenizerError.settings(problem: "an id is no whole number")
    }
    let text = pipeline.decode(ids, skippingSpecialTokens: skipSpecialTokens)
    return .object([.init("text", .string(text))])
  }

  private func encoding(_ value: JSONValue, _ pipeline: TokenizerPipeline) throws -> JSONValue {
    guard let text = value.string ?? value["text"]?.string else {
      throw TokenizerError.settings(problem: "expected a string, or an object with a text")
    }
    let encoding = try pipeline.encoding(
      of: text, pair: value["pair"]?.string,
      addingSpecialTokens: value["add_special_tokens"]?.bool ?? true)
    func integers(_ values: [Int]) -> JSONValue { .array(values.map(JSONValue.integer)) }
    return .object([
      .init("ids", integers(encoding.ids)),
      .init("tokens", .array(encoding.tokens.map(JSONValue.string))),
      .init("offsets", integers(encoding.offsets.flatMap { [$0.start, $0.end] })),
      .init("type_ids", integers(encoding.typeIDs)),
      .init("attention_mask", integers(encoding.attentionMask.map { $0 ? 1 : 0 })),
    ])
  }
}

import Documents
import Foundation
import Published
import Reports
import Samplers
import Tensors

/// What `apus sample` does with a folder of published weights.
struct TextSample {
  let folder: URL
  let prompts: [String]
  let count: Int
  let seed: UInt64
  let out: String?

  /// Whether a folder is one of published weights, not a checkpoint of a run.
  static func isPublished(_ folder: URL) -> Bool {
    func has(_ file: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(file).path)
    }
    return has("config.json") && !has("recipe.yaml") && !has("config.yaml")
  }

  func run(_ options: GenerationOptions, _ console: Console) throws {
    let draft = try options.draft.map { try ModelFolder(URL(fileURLWithPath: $0)) }
    let writer = try TextWriter(ModelFolder(folder), draft: draft)
    var settings = writer.settings
    settings.numReturnSequences = count
    try options.apply(to: &settings, writer)
    // Several texts without beams are several drawn ones.
    if count > settings.numBeams, !settings.doSample { settings.doSample = settings.numBeams == 1 }
    let streams =
      prompts.count == 1 && count == 1 && !console.json && out == nil && settings.numBeams == 1
    var (failure, isFirst): (Failure?, Bool) = (nil, true)
    func show(_ piece: String) {
      guard streams, failure == nil else { return }
      do throws(Failure) {
        try console.piece(isFirst ? prompts[0] + piece : piece)
        isFirst = false
      } catch { failure = error }
    }
    let start = ContinuousClock.now
    let texts = try writer(prompts, settings, key: RandomKey(seed: seed)) { _, piece in
      show(piece)
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    show("\n")
    if let failure { throw failure }
    let tokens = texts.map(\.tokenCount).reduce(0, +)
    guard !console.json else { return try console.result(json(texts, seconds)) }
    if let out {
      try OutputFile.write((joined(texts) + "\n").utf8, to: out)
      try console.result(out)
    } else if !streams {
      try console.result(joined(texts))
    }
    console.note(
      "\(tokens) tokens in \(Wording.duration(seconds)), seed \(seed)"
        .replacing("\u{A0}", with: " "))
  }

  private func joined(_ texts: [WrittenText]) -> String {
    texts.map { prompts[$0.prompt] + $0.text }.joined(separator: "\n\n")
  }

  private func json(_ texts: [WrittenText], _ seconds: Double) -> JSONValue {
    let tokens = texts.map(\.tokenCount).reduce(0, +)
    return .object([
      .init("seed", .integer(Int(clamping: seed))),
      .init("outputs", .array(texts.map { .string(prompts[$0.prompt] + $0.text) })),
      .init("scores", .array(texts.map { $0.score.map(JSONValue.number) ?? .null })),
      .init("tokens", .integer(tokens)), .init("seconds", .number(seconds)),
      .init("tokens_per_s", .number(Double(tokens) / max(seconds, 1e-9))),
    ])
  }
}

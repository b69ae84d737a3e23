internal import Documents
internal import Models
internal import Samplers
internal import Tensors

/// What a network writes, by the names of a reference: for every `generate.<mode>.sequences` those and its `scores` (of
/// greedy texts, as the rules left them) or `sequences_scores` (of beams). The metadata's `generate.<mode>` holds settings as
/// JSON; without it texts are greedy and as long as the reference's.
///
/// Texts go on with `input.prompt` and `input.prompt_mask`; those of an encoder-decoder answer the inputs.
struct ReferenceTexts {
  let folder: ModelFolder
  /// The reference's file, for messages, and its metadata.
  let file: String
  let metadata: [String: String]
  /// The number of tokens of each mode's texts, padding included.
  let lengths: [String: Int]

  /// A prompt: its tokens, and the row of the reference that holds them with padding.
  private struct Prompt {
    let tokens: [Int]
    let row: [Int]
  }

  func outputs<M: PublishedGenerator>(of model: M, _ inputs: ModelInputs) throws(PublishedError)
    -> [String: Tensor]
  {
    guard !lengths.isEmpty, model.canWrite else { return [:] }
    let settings = try GenerationSettings(of: folder)
    let source = try model.source(of: inputs)
    let prompts = try prompts(M.hasEncoder, inputs, settings)
    let generator = TokenGenerator(model.generator)
    let sourceTokens = inputs["input_ids"].map(Self.rows) ?? []
    var outputs: [String: Tensor] = [:]
    for (mode, length) in lengths {
      let own = try self.settings(of: mode, settings, new: length - (prompts.first?.row.count ?? 0))
      do {
        let tokens = prompts.map(\.tokens)
        if own.numBeams > 1 {
          let found = try generator(tokens, of: source, sourceTokens: sourceTokens, own)
          outputs["\(mode).sequences"] = sequences(found, prompts, own)
          outputs["\(mode).sequences_scores"] = Tensor(found.map { Float($0.score ?? 0) })
        } else {
          var stream = try generator.stream(tokens, of: source, sourceTokens: sourceTokens, own)
          var scores: [Tensor] = []
          while stream.next() != nil { scores.append(stack(stream.scores.map { Tensor($0) })) }
          outputs["\(mode).sequences"] = sequences(stream.continuations, prompts, own)
          outputs["\(mode).scores"] = scores.isEmpty ? nil : stack(scores, axis: 1)
        }
      } catch {
        throw .configuration(file: file, problem: "\"\(mode)\": \(error)", mend: "correct it")
      }
    }
    return outputs
  }

  private func settings(of mode: String, _ settings: GenerationSettings, new: Int)
    throws(PublishedError) -> GenerationSettings
  {
    var own = settings
    own.doSample = false
    guard let text = metadata[mode] else {
      (own.numBeams, own.maxNewTokens) = (1, new)
      return own
    }
    let values: JSONValue
    do {
      values = try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw .configuration(
        file: file, problem: "\"\(mode)\" is no JSON: \(error)",
        mend: "store the settings as a JSON object")
    }
    try own.update(from: ModelConfiguration(values, file: file))
    return own
  }

  private func prompts(_ hasEncoder: Bool, _ inputs: ModelInputs, _ settings: GenerationSettings)
    throws(PublishedError) -> [Prompt]
  {
    if hasEncoder {
      let batch = try inputs("input_ids", rank: 2).shape[0]
      let start = try settings.startPrompt(folder.configuration.file)
      return (0..<batch).map { _ in Prompt(tokens: start, row: start) }
    }
    let rows = Self.rows(try inputs("prompt", rank: 2))
    let mask = inputs["prompt_mask"]
    guard mask.map({ $0.count == rows.count * (rows.first?.count ?? 0) && $0.rank == 2 }) ?? true
    else { throw .input(name: "prompt_mask", problem: "its shape is not that of the prompt") }
    let masks = mask.map(Self.rows)
    return rows.enumerated().map { i, row in
      let mask = masks?[i] ?? row.map { _ in 1 }
      return Prompt(tokens: zip(row, mask).filter { $1 != 0 }.map(\.0), row: row)
    }
  }

  /// The texts whole, padded to one length: int64.
  private func sequences(
    _ found: [Continuation], _ prompts: [Prompt], _ settings: GenerationSettings
  ) -> Tensor {
    let texts = found.map { prompts[$0.prompt].row + $0.tokens }
    let length = texts.map(\.count).max() ?? 0
    let end = settings.eosTokenId.first ?? 0
    // Behind beams transformers takes a padding of 0 for none.
    let pad = settings.padTokenId.flatMap { settings.numBeams > 1 && $0 == 0 ? nil : $0 } ?? end
    let rows = texts.map { $0 + [Int](repeating: pad, count: length - $0.count) }
    return Tensor(rows.flatMap { $0.map(Int64.init) }, shape: [rows.count, length])
  }

  private static func rows(_ ids: Tensor) -> [[Int]] {
    let (all, length) = (ids.integers(), ids.shape[1])
    return (0..<ids.shape[0]).map { Array(all[($0 * length)..<(($0 + 1) * length)]) }
  }
}

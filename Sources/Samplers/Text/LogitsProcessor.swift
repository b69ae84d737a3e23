/// A text that is being generated, as rules about its next token see it.
public struct TokenHistory: Hashable, Sendable {
  /// The prompt and what came behind it.
  public internal(set) var tokens: [Int]
  /// How many of the tokens are the prompt.
  public let promptLength: Int
  /// The place of the text's prompt among the prompts.
  public let prompt: Int
  /// The source text of an encoder-decoder; empty where there is none.
  public let source: [Int]
  /// The tokens that the text may have.
  public let greatestLength: Int

  public init(
    _ tokens: [Int], promptLength: Int? = nil, greatestLength: Int = .max, prompt: Int = 0,
    source: [Int] = []
  ) {
    self.tokens = tokens
    self.promptLength = promptLength ?? tokens.count
    self.greatestLength = greatestLength
    self.prompt = prompt
    self.source = source
  }

  /// The tokens behind the prompt.
  public var continuation: ArraySlice<Int> { tokens[promptLength...] }
}

/// A rule that changes the logits of the next token.
public protocol LogitsProcessor: Sendable {
  /// - Parameters:
  ///   - logits: one for every token of the vocabulary; −∞ forbids a token. Those of the text's last place.
  ///   - text: what is there so far.
  func callAsFunction(_ logits: inout [Float], _ text: TokenHistory)
}

extension GenerationSettings {
  /// The rules in the order in which transformers applies them.
  public var rules: [any LogitsProcessor] {
    var rules: [any LogitsProcessor] = []
    func add(_ rule: any LogitsProcessor, if applies: Bool = true) {
      if applies { rules.append(rule) }
    }
    add(TokenBias(sequenceBias), if: !sequenceBias.isEmpty)
    add(
      RepetitionPenalty(1 / encoderRepetitionPenalty, of: .source),
      if: encoderRepetitionPenalty != 1)
    add(RepetitionPenalty(repetitionPenalty), if: repetitionPenalty != 1)
    add(
      FrequencyPenalty(presence: presencePenalty, frequency: frequencyPenalty),
      if: presencePenalty != 0 || frequencyPenalty != 0)
    add(RepeatedRuns(noRepeatNgramSize), if: noRepeatNgramSize > 0)
    add(RepeatedRuns(encoderNoRepeatNgramSize, of: .source), if: encoderNoRepeatNgramSize > 0)
    add(TokenBias(forbidding: badWordsIds, except: eosTokenId), if: !badWordsIds.isEmpty)
    add(LeastLength(minLength, eosTokenId), if: minLength > 0 && !eosTokenId.isEmpty)
    add(
      LeastLength(minNewTokens, eosTokenId, countsPrompt: false),
      if: minNewTokens > 0 && !eosTokenId.isEmpty)
    if let forcedBosTokenId { add(ForcedTokens([forcedBosTokenId], at: 1)) }
    add(ForcedTokens(forcedEosTokenId, at: nil), if: !forcedEosTokenId.isEmpty)
    add(FiniteLogits(), if: removeInvalidValues)
    add(SuppressedTokens(suppressTokens), if: !suppressTokens.isEmpty)
    add(
      SuppressedTokens(beginSuppressTokens, at: forcedBosTokenId == nil ? .begin : .beginOrSecond),
      if: !beginSuppressTokens.isEmpty)
    if isRandom { rules += truncations }
    add(NormalizedLogits(), if: renormalizeLogits)
    return rules
  }

  /// The rules that leave the likeliest tokens to draw from.
  private var truncations: [any LogitsProcessor] {
    // Beams need as many continuations as can end, and one more.
    let least = numBeams > 1 ? eosTokenId.count + 1 : 1
    var rules: [any LogitsProcessor] = []
    if temperature != 1 { rules.append(Temperature(temperature)) }
    if let topH { rules.append(TopH(topH)) }
    if topK > 0 { rules.append(TopK(topK, atLeast: least)) }
    if topP < 1 { rules.append(TopP(topP, atLeast: least)) }
    if let minP { rules.append(MinP(minP, atLeast: least)) }
    if typicalP < 1 { rules.append(Typical(typicalP, atLeast: least)) }
    if epsilonCutoff > 0 { rules.append(EpsilonCutoff(epsilonCutoff, atLeast: least)) }
    if etaCutoff > 0 {
      rules.append(EpsilonCutoff(etaCutoff, followsEntropy: true, atLeast: least))
    }
    return rules
  }
}

extension [Float] {
  /// Changes a token's logit, if there is such a token.
  mutating func change(_ id: Int, _ body: (inout Float) -> Void) {
    if indices.contains(id) { body(&self[id]) }
  }

  mutating func forbid(_ ids: some Sequence<Int>) {
    for id in ids { change(id) { $0 = -.infinity } }
  }

  /// Forbids all tokens but these.
  mutating func allow(_ ids: some Sequence<Int>) {
    var kept = [Float](repeating: -.infinity, count: count)
    for id in ids where indices.contains(id) { kept[id] = self[id] }
    self = kept
  }
}

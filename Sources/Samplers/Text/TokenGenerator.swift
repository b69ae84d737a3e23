public import Layers
public import Models
public import Tensors

/// What came behind a prompt.
public struct Continuation: Hashable, Sendable {
  /// The place of the prompt among the prompts.
  public let prompt: Int
  /// The tokens behind the prompt, an end token included.
  public let tokens: [Int]
  /// In a beam search the sum of the log-probabilities over the length to the power of the length penalty.
  public let score: Double?
  /// In a beam search the log-probability of each token as the rules left it.
  public let logProbabilities: [Float]?
}

/// Lets a model write: greedily, by drawing tokens, by beam search, with a draft model's help.
///
///     let generator = TokenGenerator(model)
///     var settings = GenerationSettings(temperature: 0.8, topK: 50)
///     settings.maxNewTokens = 100
///     for tokens in try generator.stream([[1, 2, 3]], settings, key: RandomKey(seed: 0)) { … }
///
/// A step is one program, made once for every number of texts and tokens; the generator keeps it for all texts that follow.
public struct TokenGenerator<Model: TokenModel>: Sendable {
  public let model: Model
  let step: ReadingStep<Model>

  public init(_ model: Model) {
    self.model = model
    step = ReadingStep<Model>.reading()
  }

  /// The next tokens of all prompts, step by step, each prompt `numReturnSequences` times side by side.
  /// - Parameters:
  ///   - prompts: at least one token each, of any lengths.
  ///   - source: what the encoder has made, one row a prompt.
  ///   - sourceTokens: the tokens of each source, for rules about them.
  ///   - rules: further rules, which come after those of the settings.
  ///   - key: the same key gives the same tokens.
  /// - Throws: where a setting or a prompt means nothing to the model.
  public func stream(
    _ prompts: [[Int]], of source: Model.Source, sourceTokens: [[Int]] = [],
    _ settings: GenerationSettings = GenerationSettings(), rules: [any LogitsProcessor] = [],
    key: RandomKey = RandomKey(seed: 0)
  ) throws(GenerationError) -> TokenStream<Model> {
    guard settings.numBeams == 1 else {
      throw .setting(
        name: GenerationSettings.CodingKeys.numBeams.rawValue,
        problem: "is \(settings.numBeams), but a stream of tokens follows one text; use beams")
    }
    let start = try GenerationStart(
      prompts, sourceTokens, settings, texts: settings.numReturnSequences, context: model.context)
    return TokenStream(start, TokenReader(self, source, start), rules, key)
  }

  /// Beam search, step by step.
  /// - Parameters: as for `stream`; the key is for beams that are drawn.
  public func beams(
    _ prompts: [[Int]], of source: Model.Source, sourceTokens: [[Int]] = [],
    _ settings: GenerationSettings, rules: [any LogitsProcessor] = [],
    key: RandomKey = RandomKey(seed: 0), stops: (@Sendable (TokenHistory) -> Bool)? = nil
  ) throws(GenerationError) -> BeamSearch<Model> {
    let start = try GenerationStart(
      prompts, sourceTokens, settings, texts: settings.numBeams, context: model.context)
    return BeamSearch(start, TokenReader(self, source, start), rules, key, stops)
  }

  /// All that is generated, `numReturnSequences` texts a prompt, of beams the best first.
  /// - Parameters: as for `stream`.
  ///   - stops: ends a text besides the end tokens.
  public func callAsFunction(
    _ prompts: [[Int]], of source: Model.Source, sourceTokens: [[Int]] = [],
    _ settings: GenerationSettings = GenerationSettings(), rules: [any LogitsProcessor] = [],
    key: RandomKey = RandomKey(seed: 0), stops: (@Sendable (TokenHistory) -> Bool)? = nil
  ) throws(GenerationError) -> [Continuation] {
    if settings.numBeams > 1 {
      var search = try beams(
        prompts, of: source, sourceTokens: sourceTokens, settings, rules: rules, key: key,
        stops: stops)
      while search.next() != nil {}
      return search.best
    }
    var stream = try stream(
      prompts, of: source, sourceTokens: sourceTokens, settings, rules: rules, key: key)
    while stream.next() != nil {
      guard let stops else { continue }
      for i in stream.texts.indices where stops(stream.texts[i]) { stream.end(i) }
    }
    return stream.continuations
  }
}

extension TokenGenerator where Model.Source == Nothing {
  /// The next tokens of all prompts, step by step, for models without an encoder.
  public func stream(
    _ prompts: [[Int]], _ settings: GenerationSettings = GenerationSettings(),
    rules: [any LogitsProcessor] = [], key: RandomKey = RandomKey(seed: 0)
  ) throws(GenerationError) -> TokenStream<Model> {
    try stream(prompts, of: Nothing(), settings, rules: rules, key: key)
  }

  /// Beam search, step by step, for models without an encoder.
  public func beams(
    _ prompts: [[Int]], _ settings: GenerationSettings, rules: [any LogitsProcessor] = [],
    key: RandomKey = RandomKey(seed: 0), stops: (@Sendable (TokenHistory) -> Bool)? = nil
  ) throws(GenerationError) -> BeamSearch<Model> {
    try beams(prompts, of: Nothing(), settings, rules: rules, key: key, stops: stops)
  }

  /// All that is generated, for models without an encoder.
  public func callAsFunction(
    _ prompts: [[Int]], _ settings: GenerationSettings = GenerationSettings(),
    rules: [any LogitsProcessor] = [], key: RandomKey = RandomKey(seed: 0),
    stops: (@Sendable (TokenHistory) -> Bool)? = nil
  ) throws(GenerationError) -> [Continuation] {
    try self(prompts, of: Nothing(), settings, rules: rules, key: key, stops: stops)
  }
}

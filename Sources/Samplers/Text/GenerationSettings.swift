/// How a text is generated, under the names of transformers' `generation_config.json` in JSON.
///
/// What a file does not name keeps its value: decode a file, then change what the user says.
public struct GenerationSettings: Codable, Hashable, Sendable {
  // MARK: Length

  /// The most tokens of a text, prompt included; `maxNewTokens` counts instead where both are given.
  public var maxLength: Int?
  /// The most tokens behind the prompt.
  public var maxNewTokens: Int?
  /// No end before so many tokens, prompt included.
  public var minLength = 0
  /// No end before so many tokens behind the prompt.
  public var minNewTokens = 0
  /// Texts that end one, besides the end tokens.
  public var stopStrings: [String] = []

  // MARK: Search

  /// Tokens are drawn; else the likeliest is taken.
  public var doSample = false
  /// Texts that are followed at once; 1 follows the best token alone.
  public var numBeams = 1
  /// Groups of beams that avoid each other's tokens (Vijayakumar et al., arXiv:1610.02424).
  public var numBeamGroups = 1
  /// What a token loses for every earlier group that has just chosen it.
  public var diversityPenalty = 0.0
  public var earlyStopping = EarlyStopping.no
  /// A text's score is the sum of its log-probabilities over its length to this power.
  public var lengthPenalty = 1.0
  /// Texts for each prompt.
  public var numReturnSequences = 1
  /// Tokens that a draft model proposes at once.
  public var numAssistantTokens = 5

  // MARK: Probabilities

  /// Logits are divided by this; 0 always takes the likeliest token.
  public var temperature = 1.0
  /// Only so many of the likeliest tokens are candidates; 0: all.
  public var topK = 0
  /// Only the likeliest tokens that together have this probability (Holtzman et al., arXiv:1904.09751).
  public var topP = 1.0
  /// Only tokens of at least this share of the likeliest token's probability (Nguyen et al., arXiv:2407.01082).
  public var minP: Double?
  /// Only tokens whose surprise is nearest to the expected one, of this probability together (Meister et al.,
  /// arXiv:2202.00666).
  public var typicalP = 1.0
  /// Only the likeliest tokens that together have this share of the entropy (arXiv:2509.02510).
  public var topH: Double?
  /// Only tokens of at least this probability (Hewitt et al., arXiv:2210.15191).
  public var epsilonCutoff = 0.0
  /// The same, less strict where the entropy is high.
  public var etaCutoff = 0.0
  /// Logits become log-probabilities at the end.
  public var renormalizeLogits = false
  /// NaN and infinite logits become finite.
  public var removeInvalidValues = false
  /// The weight of the prompt against no prompt (Sanchez et al., arXiv:2306.17806).
  public var guidanceScale: Double?

  // MARK: Repetition

  /// Divides the positive logits of tokens that are in the text, multiplies the negative ones (Keskar et al.,
  /// arXiv:1909.05858).
  public var repetitionPenalty = 1.0
  /// The same in favour of tokens of the source text.
  public var encoderRepetitionPenalty = 1.0
  /// What a token behind the prompt loses when it comes again.
  public var presencePenalty = 0.0
  /// What a token loses for every time that it is behind the prompt.
  public var frequencyPenalty = 0.0
  /// No run of so many tokens comes twice; 0: no such rule.
  public var noRepeatNgramSize = 0
  /// No run of so many tokens comes from the source text.
  public var encoderNoRepeatNgramSize = 0

  // MARK: Tokens

  /// Runs of tokens that never come.
  public var badWordsIds: [[Int]] = []
  /// What is added to the last token of a run.
  public var sequenceBias: [SequenceBias] = []
  public var suppressTokens: [Int] = []
  /// Tokens that the text behind the prompt does not begin with.
  public var beginSuppressTokens: [Int] = []
  /// The second token of a text whose prompt is one token.
  public var forcedBosTokenId: Int?
  /// The last token where a text reaches its greatest length.
  public var forcedEosTokenId: [Int] = []
  public var bosTokenId: Int?
  /// Tokens that end a text.
  public var eosTokenId: [Int] = []
  /// What fills up short texts.
  public var padTokenId: Int?
  /// The prompt of an encoder-decoder.
  public var decoderStartTokenId: Int?

  /// When beam search is done with a prompt.
  public enum EarlyStopping: Hashable, Sendable {
    /// As soon as there are as many ended texts as beams.
    case yes
    /// When the best running text at its present length is no better than the worst ended one.
    case no
    /// When no running text can become better.
    case never
  }

  /// A number for the last token of a run.
  public struct SequenceBias: Hashable, Sendable {
    public var tokens: [Int]
    public var bias: Double

    public init(_ tokens: [Int], _ bias: Double) { (self.tokens, self.bias) = (tokens, bias) }
  }

  public init() {}

  /// Draws tokens; a temperature of 0 always takes the likeliest.
  public init(temperature: Double, topK: Int = 0) {
    doSample = temperature > 0
    (self.temperature, self.topK) = (temperature, topK)
  }

  /// Whether tokens are drawn.
  public var isRandom: Bool { doSample && temperature > 0 }

  /// The greatest length of a text whose prompt has so many tokens; 128 tokens more where nothing is said.
  public func greatestLength(prompt: Int) -> Int {
    if let maxNewTokens { return prompt + min(maxNewTokens, .max - prompt) }
    return maxLength ?? prompt + 128
  }
}

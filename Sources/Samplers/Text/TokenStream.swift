internal import Layers
public import Models
internal import Tensors

/// Token by token, what a model writes after its prompts: a sequence of the next token of each text, nil for those that have
/// ended. It ends when all have.
///
///     for tokens in try generator.stream([[1, 2, 3]], settings) { … }
///     for await tokens in try generator.stream([[1, 2, 3]], settings).async { … }
public struct TokenStream<Model: TokenModel>: Sequence, IteratorProtocol, Sendable {
  /// The texts so far, the prompts' one after the other. Texts that have ended go on with padding.
  public private(set) var texts: [TokenHistory]
  /// Which texts have not ended.
  public private(set) var isOpen: [Bool]
  /// The logits that the last tokens were chosen by, one row a text: as the rules left them.
  public private(set) var scores: [[Float]] = []

  private let start: GenerationStart
  private let rules: [any LogitsProcessor]
  private var reader: TokenReader<Model>
  /// What the model has not read yet.
  private var pending: [[Int]]
  private var lengths: [Int]
  private var numbers: [UniformNumbers]

  init(
    _ start: GenerationStart, _ reader: TokenReader<Model>, _ rules: [any LogitsProcessor],
    _ key: RandomKey
  ) {
    self.start = start
    self.rules = start.rules + rules
    texts = start.texts
    pending = start.rows
    self.reader = reader
    numbers = texts.indices.map { UniformNumbers(key.fork($0)) }
    lengths = texts.map { $0.tokens.count }
    isOpen = texts.map { $0.tokens.count < $0.greatestLength }
  }

  /// The next token of every text.
  public mutating func next() -> [Int?]? {
    guard isOpen.contains(true) else { return nil }
    scores = reader(pending).map { $0[0] }
    var chosen: [Int?] = []
    for i in texts.indices {
      for rule in rules { rule(&scores[i], texts[i]) }
      let wasOpen = isOpen[i]
      let token = wasOpen ? choose(i) : start.pad
      texts[i].tokens.append(token)
      pending[i] = [token]
      chosen.append(wasOpen ? token : nil)
      guard wasOpen else { continue }
      lengths[i] += 1
      isOpen[i] =
        !start.settings.eosTokenId.contains(token) && lengths[i] < texts[i].greatestLength
    }
    return chosen
  }

  private mutating func choose(_ text: Int) -> Int {
    start.settings.isRandom
      ? scores[text].drawnToken(&numbers[text]) : scores[text].greatestPlace ?? 0
  }

  /// Ends a text before its time.
  public mutating func end(_ text: Int) { isOpen[text] = false }

  /// What has come behind the prompts so far, without padding.
  public var continuations: [Continuation] {
    zip(texts, lengths).map { text, length in
      Continuation(
        prompt: text.prompt, tokens: Array(text.tokens[text.promptLength..<length]), score: nil,
        logProbabilities: nil)
    }
  }

  /// The same tokens for `for await`; a cancelled task gets no more.
  public var async: Async { Async(stream: self) }

  /// The tokens of a stream, computed when they are waited for.
  public struct Async: AsyncSequence, AsyncIteratorProtocol, Sendable {
    /// As far as it has come.
    public private(set) var stream: TokenStream

    public func makeAsyncIterator() -> Async { self }

    public mutating func next() async -> [Int?]? { Task.isCancelled ? nil : stream.next() }
  }
}

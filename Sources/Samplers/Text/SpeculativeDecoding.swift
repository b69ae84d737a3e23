public import Layers
public import Models
public import Tensors

/// What becomes of tokens that a draft model has proposed (Leviathan et al., arXiv:2211.17192): the tokens that come out are
/// distributed exactly as the target model's own.
public struct SpeculativeChoice: Hashable, Sendable {
  /// So many proposed tokens stay.
  public let accepted: Int
  /// The distribution of the token behind them.
  public let next: [Float]

  /// - Parameters:
  ///   - drafts: the proposed tokens.
  ///   - draft: the probabilities that each was drawn from.
  ///   - target: those of the target model at the same places, and at the one behind.
  ///   - uniform: a number in [0, 1) for each proposed token.
  public init(_ drafts: [Int], draft: [[Float]], target: [[Float]], uniform: [Double]) {
    var accepted = 0
    while accepted < drafts.count {
      let token = drafts[accepted]
      let (p, q) = (Double(target[accepted][token]), Double(draft[accepted][token]))
      guard uniform[accepted] * q <= p, p > 0 else { break }
      accepted += 1
    }
    self.accepted = accepted
    guard accepted < drafts.count else {
      next = target[accepted]
      return
    }
    // What the target has more of than the draft; nothing only where rounding has rejected.
    let surplus = zip(target[accepted], draft[accepted]).map { max(0, $0 - $1) }
    let sum = Float(surplus.reduce(0) { $0 + Double($1) })
    next = sum > 0 ? surplus.map { $0 / sum } : target[accepted]
  }
}

/// Generation with a draft model's help: it proposes some tokens, the model reads them all at once and keeps those that fit.
/// What comes out is distributed as if the model had written alone; greedily it is the same text. A sequence of the tokens
/// that each reading of the model gives.
public struct SpeculativeStream<Target: TokenModel, Draft: TokenModel>: Sequence, IteratorProtocol
where Target.Memory: RewindableMemory, Draft.Memory: RewindableMemory {
  /// The text so far.
  public private(set) var text: TokenHistory
  /// How many tokens were proposed, and how many of them have stayed.
  public private(set) var proposed = 0
  public private(set) var accepted = 0
  public private(set) var isOpen: Bool

  private let settings: GenerationSettings
  private let rules: [any LogitsProcessor]
  private var target: TokenReader<Target>
  private var draft: TokenReader<Draft>
  private var numbers: UniformNumbers

  fileprivate init(
    _ start: GenerationStart, _ target: TokenReader<Target>,
    _ draft: TokenReader<Draft>, _ rules: [any LogitsProcessor], _ key: RandomKey
  ) {
    text = start.texts[0]
    settings = start.settings
    self.rules = start.rules + rules
    self.target = target
    self.draft = draft
    numbers = UniformNumbers(key)
    isOpen = text.tokens.count < text.greatestLength
  }

  /// The next tokens: those of the draft that stay and one more.
  public mutating func next() -> [Int]? {
    guard isOpen else { return nil }
    let room = text.greatestLength - text.tokens.count - 1
    let (drafts, draftRows) = propose(Swift.max(0, Swift.min(settings.numAssistantTokens, room)))
    let targetRows = judge(drafts)
    let uniform = drafts.map { _ in numbers.draw() }
    let choice = SpeculativeChoice(drafts, draft: draftRows, target: targetRows, uniform: uniform)
    proposed += drafts.count
    accepted += choice.accepted
    var new = Array(drafts.prefix(choice.accepted))
    new.append(
      settings.isRandom
        ? choice.next.place(at: numbers.draw()) ?? 0 : choice.next.greatestPlace ?? 0)
    if let end = new.firstIndex(where: settings.eosTokenId.contains) {
      new.removeSubrange((end + 1)...)
      isOpen = false
    }
    text.tokens += new
    // The last token has not been read by either.
    target.forget(Swift.max(0, target.count - text.tokens.count + 1))
    draft.forget(Swift.max(0, draft.count - text.tokens.count + 1))
    isOpen = isOpen && text.tokens.count < text.greatestLength
    return new
  }

  /// Ends the text before its time.
  public mutating func end() { isOpen = false }

  private mutating func propose(_ count: Int) -> (tokens: [Int], rows: [[Float]]) {
    var (drafts, rows) = ([Int](), [[Float]]())
    var text = text
    for _ in 0..<count {
      var row = draft([Array(text.tokens[draft.count...])])[0][0]
      let probabilities = distribution(&row, text)
      let token =
        settings.isRandom
        ? probabilities.place(at: numbers.draw()) ?? 0 : probabilities.greatestPlace ?? 0
      drafts.append(token)
      rows.append(probabilities)
      text.tokens.append(token)
    }
    return (drafts, rows)
  }

  /// The model's distributions at the places of the drafts and behind them.
  private mutating func judge(_ drafts: [Int]) -> [[Float]] {
    let unread = Array(text.tokens[target.count...]) + drafts
    var logits = target([unread], last: drafts.count + 1)[0]
    var text = text
    return logits.indices.map { place in
      if place > 0 { text.tokens.append(drafts[place - 1]) }
      return distribution(&logits[place], text)
    }
  }

  /// The probabilities that a token is drawn from; greedily all on the likeliest.
  private func distribution(_ logits: inout [Float], _ text: TokenHistory) -> [Float] {
    for rule in rules { rule(&logits, text) }
    if settings.isRandom { return logits.softmax }
    var one = [Float](repeating: 0, count: logits.count)
    one.change(logits.greatestPlace ?? 0) { $0 = 1 }
    return one
  }
}

extension TokenGenerator where Model.Memory: RewindableMemory {
  /// Writes behind one prompt with the help of a draft model of the same vocabulary.
  /// - Parameters: as for `stream`; `numAssistantTokens` are proposed at once.
  public func stream<Draft: TokenModel>(
    _ prompt: [Int], of source: Model.Source, draft: TokenGenerator<Draft>,
    _ draftSource: Draft.Source, sourceTokens: [Int] = [], _ settings: GenerationSettings,
    rules: [any LogitsProcessor] = [], key: RandomKey = RandomKey(seed: 0)
  ) throws(GenerationError) -> SpeculativeStream<Model, Draft>
  where Draft.Memory: RewindableMemory {
    guard settings.numBeams == 1, settings.numReturnSequences == 1 else {
      throw .setting(
        name: GenerationSettings.CodingKeys.numBeams.rawValue,
        problem: "and num_return_sequences must be 1 with a draft model, which helps one text")
    }
    let context = [model.context, draft.model.context].compactMap { $0 }.min()
    let start = try GenerationStart(
      [prompt], [sourceTokens], settings, texts: 1, context: context)
    return SpeculativeStream(
      start, TokenReader(self, source, start), TokenReader(draft, draftSource, start), rules, key)
  }
}

extension TokenGenerator where Model.Memory: RewindableMemory, Model.Source == Nothing {
  /// Writes behind one prompt with the help of a draft model of the same vocabulary.
  public func stream<Draft: TokenModel>(
    _ prompt: [Int], draft: TokenGenerator<Draft>, _ settings: GenerationSettings,
    rules: [any LogitsProcessor] = [], key: RandomKey = RandomKey(seed: 0)
  ) throws(GenerationError) -> SpeculativeStream<Model, Draft>
  where Draft.Memory: RewindableMemory, Draft.Source == Nothing {
    try stream(
      prompt, of: Nothing(), draft: draft, Nothing(), settings, rules: rules, key: key)
  }
}

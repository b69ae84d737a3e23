// Rules about tokens: which may come, which must, which have come before.

/// Where a rule looks for tokens that have been there.
public enum TokenPlace: Hashable, Sendable {
  /// The text itself, prompt included.
  case text
  /// The source text of an encoder-decoder.
  case source

  func tokens(_ text: TokenHistory) -> [Int] { self == .text ? text.tokens : text.source }
}

/// Divides positive logits of tokens that have been there by the penalty and multiplies negative ones.
public struct RepetitionPenalty: LogitsProcessor {
  private let penalty: Float
  private let place: TokenPlace
  /// So many tokens at the beginning do not count.
  private let ignored: Int

  public init(_ penalty: Double, of place: TokenPlace = .text, ignoring ignored: Int = 0) {
    (self.penalty, self.place, self.ignored) = (Float(penalty), place, ignored)
  }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    for id in Set(place.tokens(text).dropFirst(ignored)) {
      logits.change(id) { $0 = $0 < 0 ? $0 * penalty : $0 / penalty }
    }
  }
}

/// Takes `frequency` from a token's logit for each time it is behind the prompt, and `presence` if it is there at all
/// (OpenAI's definition).
public struct FrequencyPenalty: LogitsProcessor {
  private let presence: Float
  private let frequency: Float

  public init(presence: Double, frequency: Double) {
    (self.presence, self.frequency) = (Float(presence), Float(frequency))
  }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    var counts: [Int: Float] = [:]
    for id in text.continuation { counts[id, default: 0] += 1 }
    for (id, count) in counts { logits.change(id) { $0 -= frequency * count + presence } }
  }
}

/// Forbids the tokens that would make a run of some length come again.
public struct RepeatedRuns: LogitsProcessor {
  private let length: Int
  private let place: TokenPlace

  public init(_ length: Int, of place: TokenPlace = .text) {
    (self.length, self.place) = (length, place)
  }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let tokens = place.tokens(text)
    guard tokens.count >= length, text.tokens.count + 1 >= length else { return }
    let end = text.tokens.suffix(length - 1)
    for start in 0...(tokens.count - length)
    where tokens[start..<(start + length - 1)].elementsEqual(end) {
      logits.forbid(CollectionOfOne(tokens[start + length - 1]))
    }
  }
}

/// Adds a number to the logit of the token that would complete a run.
public struct TokenBias: LogitsProcessor {
  private let biases: [GenerationSettings.SequenceBias]

  public init(_ biases: [GenerationSettings.SequenceBias]) { self.biases = biases }

  /// Forbids runs, except those that are an end token alone.
  public init(forbidding runs: [[Int]], except ends: [Int]) {
    biases = runs.filter { run in !ends.contains { run == [$0] } }.map { .init($0, -.infinity) }
  }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    for bias in biases {
      guard let last = bias.tokens.last else { continue }
      let before = bias.tokens.dropLast()
      // A run longer than the text has no place in it yet.
      guard before.isEmpty || bias.tokens.count <= text.tokens.count,
        text.tokens.suffix(before.count).elementsEqual(before)
      else { continue }
      logits.change(last) { $0 += Float(bias.bias) }
    }
  }
}

/// Forbids the end of texts that are too short.
public struct LeastLength: LogitsProcessor {
  private let length: Int
  private let ends: [Int]
  private let countsPrompt: Bool

  public init(_ length: Int, _ ends: [Int], countsPrompt: Bool = true) {
    (self.length, self.ends, self.countsPrompt) = (length, ends, countsPrompt)
  }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let count = text.tokens.count - (countsPrompt ? 0 : text.promptLength)
    if count < length { logits.forbid(ends) }
  }
}

/// Leaves only some tokens, alike, when the text has a certain length.
public struct ForcedTokens: LogitsProcessor {
  private let ids: [Int]
  private let length: Int?

  /// - Parameter length: of the text so far; nil: one less than it may have.
  public init(_ ids: [Int], at length: Int?) { (self.ids, self.length) = (ids, length) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    guard text.tokens.count == length ?? text.greatestLength - 1 else { return }
    for i in logits.indices { logits[i] = -.infinity }
    for id in ids { logits.change(id) { $0 = 0 } }
  }
}

/// Forbids tokens, everywhere or at one place.
public struct SuppressedTokens: LogitsProcessor {
  private let ids: [Int]
  private let place: Place

  public enum Place: Hashable, Sendable {
    case everywhere
    /// Directly behind the prompt.
    case begin
    /// Directly behind the prompt, or one later where the prompt is one token and the next one forced.
    case beginOrSecond
  }

  public init(_ ids: [Int], at place: Place = .everywhere) { (self.ids, self.place) = (ids, place) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let begin =
      place == .beginOrSecond && text.promptLength == 1 ? 2 : text.promptLength
    if place == .everywhere || text.tokens.count == begin { logits.forbid(ids) }
  }
}

/// Leaves only the tokens that a function of the text names: for answers of a given form.
public struct AllowedTokens: LogitsProcessor {
  private let allowed: @Sendable (TokenHistory) -> [Int]

  public init(_ allowed: @escaping @Sendable (TokenHistory) -> [Int]) { self.allowed = allowed }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    logits.allow(allowed(text))
  }
}

/// NaN becomes 0, infinite logits the greatest and least finite numbers.
public struct FiniteLogits: LogitsProcessor {
  public init() {}

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let greatest = Float.greatestFiniteMagnitude
    for i in logits.indices where !logits[i].isFinite {
      logits[i] = logits[i].isNaN ? 0 : logits[i] > 0 ? greatest : -greatest
    }
  }
}

/// Logits with a prompt, moved away from those without it: unconditional + scale · (conditional − unconditional).
public func guidedLogits(_ conditional: [Float], against unconditional: [Float], scale: Double)
  -> [Float]
{
  zip(conditional, unconditional).map { $1 + ($0 - $1) * Float(scale) }
}

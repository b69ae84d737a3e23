internal import Foundation

// Rules that leave only some of the likelier tokens to draw from.

/// Divides logits: below 1 the likely tokens become likelier.
public struct Temperature: LogitsProcessor {
  private let temperature: Float

  public init(_ temperature: Double) { self.temperature = Float(temperature) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    for i in logits.indices { logits[i] /= temperature }
  }
}

/// Logits become log-probabilities.
public struct NormalizedLogits: LogitsProcessor {
  public init() {}

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    logits = logits.logSoftmax
  }
}

/// The likeliest tokens, and all that are as likely as the last of them.
public struct TopK: LogitsProcessor {
  private let count: Int

  public init(_ count: Int, atLeast least: Int = 1) { self.count = max(count, least) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    logits.keep(logits.cut(count: count).least)
  }
}

/// The fewest tokens that together have a probability.
public struct TopP: LogitsProcessor {
  private let share: Double
  private let least: Int

  public init(_ share: Double, atLeast least: Int = 1) { (self.share, self.least) = (share, least) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    guard share < 1 else { return }
    let probabilities = logits.softmax
    var cut = logits.cut(reaching: share) { Double(probabilities[$0]) }
    if least > 1 { cut = cut.union(logits.cut(count: least)) }
    var ties = cut.ties
    for i in logits.indices where logits[i] <= cut.least {
      if logits[i] == cut.least, ties > 0 {
        ties -= 1
      } else {
        logits[i] = -.infinity
      }
    }
  }
}

/// Tokens of at least a share of the likeliest one's probability.
public struct MinP: LogitsProcessor {
  private let share: Double
  private let least: Int

  public init(_ share: Double, atLeast least: Int = 1) { (self.share, self.least) = (share, least) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let probabilities = logits.softmax
    let limit = Float(share) * (probabilities.max() ?? 0)
    logits.remove(atLeast: least) { probabilities[$0] < limit }
  }
}

/// The tokens whose surprise −log p is nearest to the entropy, until they have a probability together.
public struct Typical: LogitsProcessor {
  private let share: Double
  private let least: Int

  public init(_ share: Double, atLeast least: Int = 1) { (self.share, self.least) = (share, least) }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let logarithms = logits.logSoftmax
    let entropy = Float(logits.entropy)
    let nearness = logarithms.map { -abs(-$0 - entropy) }
    var cut = nearness.cut(reaching: share) { Double(exp(logarithms[$0])) }
    if least > 1 { cut = cut.union(nearness.cut(count: least)) }
    for i in logits.indices where nearness[i] < cut.least { logits[i] = -.infinity }
  }
}

/// The likeliest of the first hundred tokens, until they have a share of the entropy of these.
public struct TopH: LogitsProcessor {
  private let share: Double

  public init(_ share: Double) { self.share = share }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let places = logits.greatest(100)
    let candidates = places.map { logits[$0] }
    let limit = share * candidates.entropy
    var gathered = 0.0
    var kept: [Int] = []
    for (place, logarithm) in zip(places, candidates.logSoftmax) where logarithm > -.infinity {
      gathered -= Double(logarithm) * Double(exp(logarithm))
      if gathered > limit, !kept.isEmpty { break }
      kept.append(place)
    }
    logits.allow(kept)
  }
}

/// Tokens of at least a probability.
public struct EpsilonCutoff: LogitsProcessor {
  private let limit: Double
  private let followsEntropy: Bool
  private let least: Int

  /// - Parameter followsEntropy: the limit is √limit · exp(−entropy) where that is less.
  public init(_ limit: Double, followsEntropy: Bool = false, atLeast least: Int = 1) {
    (self.limit, self.followsEntropy, self.least) = (limit, followsEntropy, least)
  }

  public func callAsFunction(_ logits: inout [Float], _ text: TokenHistory) {
    let probabilities = logits.softmax
    var limit = limit
    if followsEntropy { limit = min(limit, limit.squareRoot() * exp(-logits.entropy)) }
    logits.remove(atLeast: least) { Double(probabilities[$0]) < limit }
  }
}

extension [Float] {
  /// Forbids what is below a number.
  fileprivate mutating func keep(_ limit: Float) {
    for i in indices where self[i] < limit { self[i] = -.infinity }
  }

  /// Forbids what a condition names, except the likeliest tokens.
  fileprivate mutating func remove(atLeast least: Int, where isRemoved: (Int) -> Bool) {
    let limit = cut(count: least).least
    for i in indices where self[i] < limit && isRemoved(i) { self[i] = -.infinity }
  }
}

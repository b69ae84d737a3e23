import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

/// The hash that fills tensors the same way in every language: [−1, 1).
func hashNoise(_ k: Int, _ shape: [Int], scale: Double = 1) -> Tensor {
  let numbers = (0..<shape.reduce(1, *)).map { i -> Double in
    let mask: UInt64 = 0xFFFF_FFFF
    var x = (UInt64(i + 1 + 7919 * k) &* 2_654_435_761) & mask
    x ^= x >> 16
    x = (x &* 2_246_822_519) & mask
    x ^= x >> 13
    x = (x &* 3_266_489_917) & mask
    x ^= x >> 16
    return (Double(x) / 4_294_967_296 * 2 - 1) * scale
  }
  return Tensor(numbers, shape: shape)
}

/// All sequences of so many symbols, int32 [alphabet^length, length].
func allSequences(_ alphabet: Int, length: Int) -> Tensor {
  let count = (0..<length).reduce(1) { product, _ in product * alphabet }
  let symbols = (0..<count).flatMap { number -> [Int32] in
    var rest = number
    return (0..<length).map { _ in
      defer { rest /= alphabet }
      return Int32(rest % alphabet)
    }
  }
  return Tensor(symbols, shape: [count, length])
}

/// What every model of symbols is held to: its probabilities add up to 1, and its logits keep their bits whatever stands in
/// the place itself and later.
func checkSymbolModel<Model: SymbolModel>(
  _ model: Model, length: Int, causalLength: Int? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let double = model.inDoublePrecision()
  let total = double.logProbability(of: allSequences(model.alphabet, length: length)).exp().sum()
  #expect(abs(total.scalar - 1) < 1e-11, "Σ p = \(total.scalar)", sourceLocation: sourceLocation)
  checkCausality(model, length: length, sourceLocation: sourceLocation)
}

/// Logits of a place are the same bits for any symbols in the place and behind it, and for the zeros of who decodes; every
/// place depends on the one before it in the order.
func checkCausality<Model: SymbolModel>(
  _ model: Model, length: Int, batch: Int = 3, sourceLocation: SourceLocation = #_sourceLocation
) {
  let order = model.order(of: length)
  #expect(order.sorted() == Array(0..<length), sourceLocation: sourceLocation)
  let key = RandomKey(seed: 3)
  let symbols = key.integers(below: model.alphabet, [batch, length]).evaluated()
  let other = key.fork(1).integers(below: model.alphabet, [batch, length])
  let logits = compiled { (model: Model, symbols: Tensor) in model.logits(of: symbols) }
  let whole = logits(model, symbols)
  #expect(whole.shape == [batch, length, model.alphabet], sourceLocation: sourceLocation)
  func first(_ count: Int, _ logits: Tensor) -> [Double] {
    logits.gathered(1, Tensor(order.prefix(count).map(Int32.init))).doubles()
  }
  for known in 0..<length {
    let isKnown = Tensor(order.inverse.map { $0 < known ? Float(1) : 0 }).greater(than: 0.5)
    for rest in [symbols.zerosLike(), other] {
      let partial = logits(model, select(isKnown, symbols, rest))
      #expect(
        first(known + 1, partial) == first(known + 1, whole),
        "\(known) places known", sourceLocation: sourceLocation)
    }
  }
}

/// Draws have the model's frequencies (Pearson's statistic over all sequences).
func checkDraws<Model: SymbolModel>(
  of model: Model, _ draws: Tensor, sourceLocation: SourceLocation = #_sourceLocation
) {
  let (count, length) = (draws.shape[0], draws.shape[1])
  let p = model.logProbability(of: allSequences(model.alphabet, length: length)).exp().doubles()
  var counts = [Double](repeating: 0, count: p.count)
  let symbols = draws.integers()
  for row in 0..<count {
    let number = (0..<length).reversed().reduce(0) {
      $0 * model.alphabet + symbols[row * length + $1]
    }
    counts[number] += 1
  }
  // Sequences that are hardly expected count as one.
  var (statistic, cells, rest) = (0.0, 0.0, (expected: 0.0, seen: 0.0))
  for (i, seen) in counts.enumerated() {
    let expected = p[i] * Double(count)
    if expected < 5 {
      rest = (rest.expected + expected, rest.seen + seen)
    } else {
      statistic += (seen - expected) * (seen - expected) / expected
      cells += 1
    }
  }
  if rest.expected > 0 {
    statistic += (rest.seen - rest.expected) * (rest.seen - rest.expected) / max(rest.expected, 1)
    cells += 1
  }
  #expect(
    statistic < cells + 5 * (2 * cells).squareRoot(), "χ² \(statistic) of \(cells) cells",
    sourceLocation: sourceLocation)
}

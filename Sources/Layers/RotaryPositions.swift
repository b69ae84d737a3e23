internal import Foundation
public import Tensors

/// Rotary positions: pairs of numbers of queries and keys turn by an angle that grows with the position, so that their
/// products depend on distances alone (Su et al., arXiv:2104.09864).
public struct RotaryPositions: Sendable, Hashable {
  /// Radians a position, one for every pair.
  public var frequencies: [Double]
  /// Pairs are neighbours (the paper, GPT-J); else the first half pairs with the second (GPT-NeoX, Llama).
  public var isInterleaved: Bool
  /// Turned queries and keys are longer by this factor (YaRN).
  public var stretch = 1.0
  /// What changes the frequencies of sequences that are longer than those the model was trained on.
  public var growth: Growth?

  public struct Growth: Sendable, Hashable {
    /// The longest sequence that keeps the frequencies.
    public var context: Int
    public var rule: Rule

    public enum Rule: Sendable, Hashable {
      /// The base grows with the length, so that the slowest pair turns as far as `factor` times slower ones would.
      case base(factor: Double)
      /// All longer sequences have these frequencies.
      case other([Double])
    }

    public init(context: Int, rule: Rule) {
      self.context = context
      self.rule = rule
    }
  }

  /// - Parameter frequencies: half as many as the first numbers of a head that turn; the others stay.
  public init(frequencies: [Double], isInterleaved: Bool = false) {
    self.frequencies = frequencies
    self.isInterleaved = isInterleaved
  }

  /// - Parameter width: how many numbers of a head turn.
  public init(width: Int, base: Double = 10_000, isInterleaved: Bool = false) {
    guard width % 2 == 0 else { fail("rotary positions: the width \(width) is not even") }
    self.init(
      frequencies: Layers.frequencies(count: width / 2, base: base, shift: 0),
      isInterleaved: isInterleaved)
  }

  /// Turns the heads of queries or keys.
  /// - Parameters:
  ///   - x: [batch, length, heads, head width].
  ///   - positions: [length] or [batch, length]; 0, 1, … unless given.
  public func callAsFunction(_ x: Tensor, at positions: Tensor? = nil) -> Tensor {
    let (pairs, width) = (frequencies.count, x.shape[x.rank - 1])
    guard 2 * pairs <= width else {
      fail("rotary positions: \(2 * pairs) numbers turn, but a head has \(width)")
    }
    let dataType = x.dataType == .float64 ? DataType.float64 : .float32
    let places = (positions ?? .range(x.shape[1])).cast(to: dataType)
    // [batch or none, length, 1, pairs].
    let angle = (places.expanded(-1) * frequencies(of: places)).expanded(-2)
    let (sine, cosine) = (stretched(angle.sin(), x.dataType), stretched(angle.cos(), x.dataType))
    let turning = x.sliced(-1, 0..<(2 * pairs))
    let turned = isInterleaved ? neighbours(turning, sine, cosine) : halves(turning, sine, cosine)
    return 2 * pairs == width
      ? turned : concatenate([turned, x.sliced(-1, (2 * pairs)..<width)], axis: -1)
  }

  /// The frequencies for a sequence that ends at the greatest of these places: [pairs].
  private func frequencies(of places: Tensor) -> Tensor {
    let own = Tensor(frequencies).cast(to: places.dataType)
    guard let growth else { return own }
    let context = Double(growth.context)
    let length = places.max() + 1
    switch growth.rule {
    case .base(let factor):
      // base^(−2i/width), where the base grows by ratio^(width / (width − 2)).
      let ratio = maximum(length, context) * (factor / context) - (factor - 1)
      let last = max(Double(frequencies.count - 1), 1)
      let powers = Tensor((0..<frequencies.count).map { -Double($0) / last })
      return own * (ratio.log() * powers.cast(to: places.dataType)).exp()
    case .other(let frequencies):
      return select(
        length.greater(than: context), Tensor(frequencies).cast(to: places.dataType), own)
    }
  }

  private func stretched(_ x: Tensor, _ dataType: DataType) -> Tensor {
    (stretch == 1 ? x : x * stretch).cast(to: dataType)
  }

  private func halves(_ x: Tensor, _ sine: Tensor, _ cosine: Tensor) -> Tensor {
    let parts = x.split(-1, into: 2)
    return concatenate(
      [parts[0] * cosine - parts[1] * sine, parts[1] * cosine + parts[0] * sine], axis: -1)
  }

  private func neighbours(_ x: Tensor, _ sine: Tensor, _ cosine: Tensor) -> Tensor {
    let (a, b) = (x.strided(-1, by: 2), x.strided(-1, from: 1, by: 2))
    return stack([a * cosine - b * sine, b * cosine + a * sine], axis: -1).reshaped(x.shape)
  }
}

/// Rotary positions as configurations of language models name them: a base, and how the frequencies are changed for texts
/// longer than those of the training.
public struct RotaryConfiguration: Sendable, Hashable, Codable {
  public var base: Double
  public var scaling: Scaling

  public enum Scaling: Sendable, Hashable, Codable {
    case none
    /// All frequencies are divided.
    case linear(factor: Double)
    /// The base grows with the length of texts beyond the context.
    case dynamic(factor: Double, context: Int)
    /// Slow pairs are divided, fast ones stay, and those between are interpolated by the number of turns within the
    /// context; the scores grow (Peng et al., arXiv:2309.00071).
    case yarn(
      factor: Double, context: Int, fast: Double, slow: Double, stretch: Double, isRounded: Bool)
    /// Likewise, by the wavelength (Llama 3.1).
    case llama3(factor: Double, context: Int, low: Double, high: Double)
    /// Every pair has divisors of its own for texts within and beyond the context (Ding et al., arXiv:2402.13753).
    case longrope(short: [Double], long: [Double], context: Int, stretch: Double)
  }

  public init(base: Double = 10_000, scaling: Scaling = .none) {
    self.base = base
    self.scaling = scaling
  }

  /// - Parameter width: of a head.
  public func positions(width: Int) -> RotaryPositions {
    var rotary = RotaryPositions(width: width, base: base)
    switch scaling {
    case .none: break
    case .linear(let factor): rotary.frequencies = rotary.frequencies.map { $0 / factor }
    case .dynamic(let factor, let context):
      rotary.growth = .init(context: context, rule: .base(factor: factor))
    case .yarn(let factor, let context, let fast, let slow, let stretch, let isRounded):
      // The pair that turns so often within the context.
      func place(_ turns: Double) -> Double {
        Double(width) * log(Double(context) / (turns * 2 * .pi)) / (2 * log(base))
      }
      let first = max(isRounded ? place(fast).rounded(.down) : place(fast), 0)
      var last = min(isRounded ? place(slow).rounded(.up) : place(slow), Double(width - 1))
      if first == last { last += 0.001 }
      for i in rotary.frequencies.indices {
        let share = min(max((Double(i) - first) / (last - first), 0), 1)
        rotary.frequencies[i] *= share / factor + 1 - share
      }
      rotary.stretch = stretch
    case .llama3(let factor, let context, let low, let high):
      rotary.frequencies = rotary.frequencies.map { frequency in
        let turns = Double(context) * frequency / (2 * .pi)
        let share = min(max((turns - low) / (high - low), 0), 1)
        return frequency * ((1 - share) / factor + share)
      }
    case .longrope(let short, let long, let context, let stretch):
      let plain = rotary.frequencies
      rotary.frequencies = zip(plain, short).map { $0 / $1 }
      rotary.growth = .init(context: context, rule: .other(zip(plain, long).map { $0 / $1 }))
      rotary.stretch = stretch
    }
    return rotary
  }
}

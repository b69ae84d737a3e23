public import Tensors

/// Logistic distributions whose mass is gathered around the values of a sample.
enum DiscreteLogistic {
  /// log p of values 0 … levels − 1 (levels at least 2): log(σ(a) − σ(b)) for the upper and lower end of the value's interval,
  /// which are infinite at the last and at the first value. It is log σ(a) + log σ(−b) + log(1 − exp(b − a)): no difference
  /// of nearly equal numbers, so all values together have probability 1.
  ///
  /// - Parameters:
  ///   - mean: on the scale on which the values are −1 … 1.
  ///   - logScale: counts as −7 where it is less.
  static func logProbability(of x: Tensor, mean: Tensor, logScale: Tensor, levels: Int) -> Tensor {
    let half = 1 / Double(levels - 1)
    let sharpness = (-maximum(logScale, -7)).exp()
    let distance = x * (2 * half) - 1 - mean
    let upper = (distance + half) * sharpness
    let lower = (distance - half) * sharpness
    let (isFirst, isLast) = (x.less(than: 0.5), x.greater(than: Double(levels) - 1.5))
    let zero = x.zerosLike()
    let width = (-((sharpness * (-2 * half)).expm1())).log()
    return select(isLast, zero, upper.logSigmoid()) + select(isFirst, zero, (-lower).logSigmoid())
      + select(isFirst.or(isLast), zero, width)
  }
}

/// The distribution of a pixel's colours as a mixture of discretised logistic distributions, in which the means of later
/// colours move with earlier ones (Salimans et al., arXiv:1701.05517, eq. 1 to 3). One choice of a component serves all colours.
///
/// Parameters along the last axis: the components' logits; then for each colour their means in −1 … 1, the logarithms of
/// their scales and, of pixels with three colours, coefficients before tanh: of red → green, red → blue, green → blue.
public struct LogisticMixture: Codable, Hashable, Sendable {
  public var components: Int
  /// 1 or 3.
  public var colors: Int
  /// Values of a sample: at least 2.
  public var levels: Int

  public init(components: Int, colors: Int = 1, levels: Int = 256) {
    guard components > 0, colors == 1 || colors == 3, levels > 1 else {
      fail("logistic mixture: \(components) components, \(colors) colours, \(levels) levels")
    }
    self.components = components
    self.colors = colors
    self.levels = levels
  }

  private var perColor: Int { colors == 1 ? 2 : 3 }
  public var parameterCount: Int { components * (1 + colors * perColor) }

  /// Means, logarithms of scales and coefficients of a colour: of all components, [batch…, components].
  private struct Color {
    let mean, logScale: Tensor
    let coefficient: Tensor?
  }

  private func parts(_ parameters: Tensor) -> (logits: Tensor, colors: [Color]) {
    let all = parameters.split(-1, into: 1 + colors * perColor)
    return (
      all[0],
      (0..<colors).map { color in
        let own = all[(1 + color * perColor)..<(1 + (color + 1) * perColor)]
        let first = own.startIndex
        return Color(
          mean: own[first], logScale: own[first + 1],
          coefficient: colors == 1 ? nil : own[first + 2].tanh())
      }
    )
  }

  /// The mean of a colour given the earlier ones, which are [batch…, 1] in −1 … 1.
  private func mean(_ color: Int, _ parts: [Color], _ earlier: [Tensor]) -> Tensor {
    let mean = parts[color].mean
    return switch color {
    case 1: mean + parts[0].coefficient! * earlier[0]
    case 2: mean + parts[1].coefficient! * earlier[0] + parts[2].coefficient! * earlier[1]
    default: mean
    }
  }

  private func scaled(_ x: Tensor) -> Tensor { x * (2 / Double(levels - 1)) - 1 }

  /// log p in nats of whole pixels, [batch…], of values [batch…, colours] in any type.
  public func logProbability(of x: Tensor, _ parameters: Tensor) -> Tensor {
    let x = x.cast(to: parameters.dataType)
    let (logits, parts) = parts(parameters)
    let values = (0..<colors).map { x.element(-1, $0).expanded(-1) }
    let earlier = values.map(scaled)
    let logs = (0..<colors).reduce(logits.logSoftmax(-1)) { sum, color in
      sum
        + DiscreteLogistic.logProbability(
          of: values[color], mean: mean(color, parts, earlier), logScale: parts[color].logScale,
          levels: levels)
    }
    return logs.logSumExp(-1)
  }

  /// Logarithms of the probabilities of every value of every colour given the earlier colours, up to a constant for each
  /// colour: [batch…, colours, levels].
  public func logits(of x: Tensor, _ parameters: Tensor) -> Tensor {
    let x = x.cast(to: parameters.dataType)
    let (logits, parts) = parts(parameters)
    let values = (0..<colors).map { x.element(-1, $0).expanded(-1) }
    let earlier = values.map(scaled)
    let all = Tensor.range(levels).cast(to: parameters.dataType)
    var weights = logits.logSoftmax(-1)
    return stack(
      (0..<colors).map { color in
        let (mean, logScale) = (mean(color, parts, earlier), parts[color].logScale)
        // One component after the other: all of them at once would take much more memory.
        let terms = (0..<components).map { k in
          DiscreteLogistic.logProbability(
            of: all, mean: mean.sliced(-1, k..<k + 1), logScale: logScale.sliced(-1, k..<k + 1),
            levels: levels) + weights.sliced(-1, k..<k + 1)
        }
        weights =
          weights
          + DiscreteLogistic.logProbability(
            of: values[color], mean: mean, logScale: logScale, levels: levels)
        return terms.dropFirst().reduce(terms[0]) { sum, term in
          maximum(sum, term) + (-(sum - term).abs()).exp().log1p()
        }
      }, axis: -2)
  }

  /// Draws of whole pixels, int32 [batch…, colours]; later colours see the rounded earlier ones.
  public func sample(_ parameters: Tensor, _ key: RandomKey) -> Tensor {
    let (logits, parts) = parts(parameters)
    let isChosen = Tensor.indices(logits.shape, axis: -1).equal(
      to: key.fork(0).categorical(logits).expanded(-1))
    func pick(_ x: Tensor) -> Tensor {
      select(isChosen, x, x.zerosLike()).sum([-1], keepsAxes: true)
    }
    var (values, earlier): ([Tensor], [Tensor]) = ([], [])
    for color in 0..<colors {
      let scale = pick(maximum(parts[color].logScale, -7)).exp()
      let mean = pick(mean(color, parts, earlier))
      let u = key.fork(1 + color).uniform(mean.shape, in: 1e-5..<(1 - 1e-5), mean.dataType)
      let value = mean + scale * (u.log() - (1 - u).log())
      let top = Double(levels - 1)
      values.append(((value + 1) * (top / 2)).rounded().clipped(to: 0...top))
      earlier.append(scaled(values[color]))
    }
    return concatenate(values, axis: -1).cast(to: .int32)
  }
}

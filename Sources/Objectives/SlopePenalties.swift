internal import Layers
public import Tensors

/// Penalties on the slope of a critic's score by its input, example by example. They are differentiated again by the
/// critic's parameters.
///
/// `score` gives [batch] of inputs [batch, …], each example's from that example alone: a norm over the batch would mix them.
public enum SlopePenalty {
  /// The squared 2-norms of the score's gradient by each example: [batch].
  public static func squaredSlopes(at x: Tensor, _ score: (Tensor) -> Tensor) -> Tensor {
    // The sum's gradient is every example's own, since no score depends on another example.
    let slopes = valueAndGradient(at: x) { score($0).sum() }.gradient
    return slopes.square().reshaped([x.shape[0], -1]).sum([1])
  }

  /// E (‖∇ score‖ − target)² at points between data and fakes (Gulrajani et al., arXiv:1704.00028, eq. 3), without its
  /// weight λ.
  public static func between(
    _ real: Tensor, _ fake: Tensor, target: Double = 1, key: RandomKey, _ score: (Tensor) -> Tensor
  ) -> Tensor {
    let ones = [Int](repeating: 1, count: real.rank - 1)
    let share = key.uniform([real.shape[0]] + ones, real.dataType)
    let squares = squaredSlopes(at: (real + (fake - real) * share).stopped(), score)
    // The small number keeps the root's slope finite where the score is flat.
    return ((squares + 1e-12).sqrt() - target).square().mean()
  }

  /// ½ E ‖∇ score‖² at the data: R1 (Mescheder et al., arXiv:1801.04406, eq. 9), without its weight γ.
  public static func atData(_ real: Tensor, _ score: (Tensor) -> Tensor) -> Tensor {
    squaredSlopes(at: real.stopped(), score).mean() * 0.5
  }
}

/// Path length regularisation (Karras et al., arXiv:1912.04958, section 3.2): a step of the styles should change the picture
/// equally much in whatever direction and wherever it is.
public struct PathLength: Sendable {
  /// The share of each new batch in the running mean of lengths.
  public var share: Double

  public init(share: Double = 0.01) { self.share = share }

  /// ‖Jᵀ y‖ for random pictures y of expected norm 1 a channel: [batch].
  /// - Parameters:
  ///   - styles: [batch, layers, width]; the squares are summed over the width and averaged over layers.
  ///   - pictures: gives [batch, height, width, channels].
  public static func lengths(
    _ styles: Tensor, _ key: RandomKey, _ pictures: (Tensor) -> Tensor
  ) -> Tensor {
    let slopes = valueAndGradient(at: styles) { styles in
      let x = pictures(styles)
      let pixels = Double(x.shape[1] * x.shape[2])
      return (x * key.normal(x.shape, deviation: 1 / pixels.squareRoot(), x.dataType)).sum()
    }.gradient
    return (slopes.square().sum([2]).mean([1]) + 1e-12).sqrt()
  }

  /// E (length − mean)², and the running mean moved towards these lengths.
  public func callAsFunction(lengths: Tensor, mean: Tensor) -> (penalty: Tensor, mean: Tensor) {
    let moved = mean + (lengths.mean().stopped() - mean) * share
    return ((lengths - moved).square().mean(), moved)
  }
}

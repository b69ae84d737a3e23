public import Tensors

/// In training zeros with probability `rate`, else x / (1 − rate); in inference x (Srivastava et al. 2014).
public struct Dropout: Layer {
  /// Within 0 ..< 1.
  public var rate: Double

  public init(_ rate: Double) { self.rate = rate }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    guard case .training(let key) = phase, rate > 0 else { return x }
    return x.dropout(rate, key)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.fixed("rate", rate) }
}

/// In training leaves out the whole branch of an example with probability `rate`, else x / (1 − rate): for the branches of
/// residual networks (Huang et al., arXiv:1603.09382; also called drop path).
public struct StochasticDepth: Layer {
  /// Within 0 ..< 1.
  public var rate: Double

  public init(_ rate: Double) { self.rate = rate }

  /// - Parameter x: [batch, …].
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    guard case .training(let key) = phase, rate > 0 else { return x }
    guard rate < 1 else { fail("stochastic depth: the rate \(rate) is not within 0 ..< 1") }
    let shape = [x.shape[0]] + [Int](repeating: 1, count: x.rank - 1)
    return select(key.bernoulli(1 - rate, shape), x * (1 / (1 - rate)), x.zerosLike())
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.fixed("rate", rate) }
}

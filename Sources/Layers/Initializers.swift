public import Tensors

/// How the first values of a tensor are drawn.
///
///     linear.weight = Initializer.normal(deviation: 0.02)([768, 768], key)
///     model.initialize(key) { $0.tensor.rank > 1 ? .xavierUniform() : nil }
public enum Initializer: Sendable, Hashable, Codable {
  /// The same number everywhere.
  case constant(Double)
  /// Evenly spread over −bound … bound.
  case uniform(bound: Double)
  /// Normal around 0.
  case normal(deviation: Double)
  /// Normal around 0 on condition that it lies within `limit` deviations. The deviation named is that before cutting.
  case truncatedNormal(deviation: Double, limit: Double = 2)
  /// Uniform with deviation gain / √fan (He et al., arXiv:1502.01852). √2 is the gain of ReLU; 1/√3 makes PyTorch's default
  /// for linear layers and convolutions, whose bound is 1/√fan.
  case kaimingUniform(fan: Fan = .input, gain: Double = 2.0.squareRoot())
  /// Normal with deviation gain / √fan.
  case kaimingNormal(fan: Fan = .input, gain: Double = 2.0.squareRoot())
  /// Uniform with deviation gain · √(2 / (inputs + outputs)) (Glorot and Bengio 2010).
  case xavierUniform(gain: Double = 1)
  /// Normal with deviation gain · √(2 / (inputs + outputs)).
  case xavierNormal(gain: Double = 1)
  /// gain times a matrix with orthonormal rows or, where there are more rows than columns, columns; evenly distributed
  /// among them (Saxe et al., arXiv:1312.6120). Axes after the first count as one.
  case orthogonal(gain: Double = 1)

  public static let zeros = Initializer.constant(0)
  public static let ones = Initializer.constant(1)
  /// What PyTorch draws for linear layers and convolutions: uniform within ±1/√(inputs of one output).
  public static let fanInUniform = Initializer.kaimingUniform(gain: (1.0 / 3).squareRoot())

  /// What the deviation is measured by: how many products an output sums, or how many an input enters.
  public enum Fan: String, Sendable, Hashable, Codable { case input, output }

  /// Draws a tensor; weights are [outputs, inputs, kernel…].
  public func callAsFunction(_ shape: [Int], _ key: RandomKey, _ dataType: DataType = .float32)
    -> Tensor
  {
    func uniform(_ deviation: Double) -> Tensor {
      let bound = deviation * 3.0.squareRoot()
      return bound > 0 ? key.uniform(shape, in: -bound..<bound, dataType) : .zeros(shape, dataType)
    }
    func normal(_ deviation: Double) -> Tensor {
      key.normal(shape, deviation: deviation, dataType)
    }
    switch self {
    case .constant(let value): return .fill(value, shape, dataType)
    case .uniform(let bound): return uniform(bound / 3.0.squareRoot())
    case .normal(let deviation): return normal(deviation)
    case .truncatedNormal(let deviation, let limit):
      return key.truncatedNormal(shape, deviation: deviation, within: -limit...limit, dataType)
    case .kaimingUniform(let fan, let gain):
      return uniform(gain / Self.fan(fan, shape).squareRoot())
    case .kaimingNormal(let fan, let gain):
      return normal(gain / Self.fan(fan, shape).squareRoot())
    case .xavierUniform(let gain): return uniform(gain * Self.xavierDeviation(shape))
    case .xavierNormal(let gain): return normal(gain * Self.xavierDeviation(shape))
    case .orthogonal(let gain): return Self.orthogonal(shape, key, dataType) * gain
    }
  }

  private static func fan(_ fan: Fan, _ shape: [Int]) -> Double {
    guard shape.count >= 2 else {
      fail(
        "shape \(shape) has no inputs and outputs to measure the first values by; name a deviation")
    }
    let kernel = shape.dropFirst(2).reduce(1, *)
    return Double(max(1, shape[fan == .input ? 1 : 0] * kernel))
  }

  private static func xavierDeviation(_ shape: [Int]) -> Double {
    (2 / (fan(.input, shape) + fan(.output, shape))).squareRoot()
  }

  /// The orthogonal factor of a normal matrix's polar decomposition, by Newton and Schulz's iteration: each step moves every
  /// singular value s to s (3 − s²) / 2, so small ones grow by half and those near 1 meet it quadratically.
  private static func orthogonal(_ shape: [Int], _ key: RandomKey, _ dataType: DataType) -> Tensor {
    guard let rows = shape.first else { fail("an orthogonal matrix needs at least one axis") }
    let columns = shape.dropFirst().reduce(1, *)
    let (short, long) = (min(rows, columns), max(rows, columns))
    let type = dataType == .float64 ? dataType : .float32
    // The largest singular value of a normal matrix lies near √rows + √columns; the iteration bears up to √3 of it.
    let scale = 1 / (Double(short).squareRoot() + Double(long).squareRoot())
    var x = key.normal([short, long], deviation: scale, type)
    for _ in 0..<40 { x = x * 1.5 - matrixProduct(matrixProduct(x, x.transposed()), x) * 0.5 }
    return (rows > columns ? x.transposed() : x).reshaped(shape).cast(to: dataType)
  }
}

extension Module {
  /// Draws new values for the trained tensors for which `rule` names an initializer; the others stay.
  public mutating func initialize(
    _ key: RandomKey, _ rule: (_ leaf: Visitor.Leaf) -> Initializer?
  ) {
    replaceTensors(
      leaves.enumerated().map { i, leaf in
        guard !leaf.isBuffer, let initializer = rule(leaf) else { return leaf.tensor }
        return initializer(leaf.tensor.shape, key.fork(i), leaf.tensor.dataType)
      })
  }
}

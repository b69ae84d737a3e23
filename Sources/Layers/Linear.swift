public import Tensors

/// x Wᵀ + b along the last axis: [batch…, inputs] → [batch…, outputs].
public struct Linear: Layer {
  /// [outputs, inputs].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?

  /// Weight and bias uniform within ±1/√inputs, as in PyTorch.
  public init(inputs: Int, outputs: Int, hasBias: Bool = true, key: RandomKey) {
    weight = Initializer.fanInUniform([outputs, inputs], key.fork(0))
    let bound = 1 / Double(max(inputs, 1)).squareRoot()
    bias = hasBias ? Initializer.uniform(bound: bound)([outputs], key.fork(1)) : nil
  }

  /// - Parameters:
  ///   - weight: [outputs, inputs].
  ///   - bias: [outputs].
  public init(weight: Tensor, bias: Tensor? = nil) {
    self.weight = weight
    self.bias = bias
  }

  public var inputs: Int { weight.shape[1] }
  public var outputs: Int { weight.shape[0] }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let product = matrixProduct(x, weight.transposed())
    return bias.map { product + $0 } ?? product
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
  }
}

/// A table of vectors, taken by number: ids of any shape (int32 or int64) → [shape of the ids…, width].
public struct Embedding: Layer {
  /// [count, width].
  public var weight: Tensor

  /// Normal numbers of deviation 1, as in PyTorch; language models draw smaller ones.
  public init(
    count: Int, width: Int, initializer: Initializer = .normal(deviation: 1), key: RandomKey
  ) {
    weight = initializer([count, width], key)
  }

  /// - Parameter weight: [count, width].
  public init(weight: Tensor) { self.weight = weight }

  public var count: Int { weight.shape[0] }
  public var width: Int { weight.shape[1] }

  /// Ids out of range are not detected: they count as the nearest row and are not trained.
  public func callAsFunction(_ ids: Tensor, _ phase: Phase) -> Tensor { weight.rows(ids) }

  /// The product with every row: an output layer tied to this table. [batch…, width] → [batch…, count].
  public func attend(_ x: Tensor) -> Tensor { matrixProduct(x, weight.transposed()) }

  public mutating func visit(_ visitor: inout Visitor) { visitor("weight", &weight) }
}

public import Tensors

/// x Wᵀ + b along the last axis: [batch…, inputs] → [batch…, outputs].
public struct Linear: Layer {
  /// [outputs, inputs], or [inputs, outputs] where `isInputFirst`.
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  /// The weight's first axis is that of the inputs, as in the published files of GPT. The product reads either order; only
  /// files tell them apart.
  public let isInputFirst: Bool

  /// Weight and bias uniform within ±1/√inputs, as in PyTorch.
  public init(
    inputs: Int, outputs: Int, hasBias: Bool = true, isInputFirst: Bool = false, key: RandomKey
  ) {
    let drawn = Initializer.fanInUniform([outputs, inputs], key.fork(0))
    weight = isInputFirst ? drawn.transposed() : drawn
    let bound = 1 / Double(max(inputs, 1)).squareRoot()
    bias = hasBias ? Initializer.uniform(bound: bound)([outputs], key.fork(1)) : nil
    self.isInputFirst = isInputFirst
  }

  /// - Parameters:
  ///   - weight: [outputs, inputs], or [inputs, outputs] where `isInputFirst`.
  ///   - bias: [outputs].
  public init(weight: Tensor, bias: Tensor? = nil, isInputFirst: Bool = false) {
    self.weight = weight
    self.bias = bias
    self.isInputFirst = isInputFirst
  }

  public var inputs: Int { weight.shape[isInputFirst ? 0 : 1] }
  public var outputs: Int { weight.shape[isInputFirst ? 1 : 0] }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let product = matrixProduct(x, isInputFirst ? weight : weight.transposed())
    return bias.map { product + $0 } ?? product
  }

  /// The part that gives these outputs alone.
  func giving(_ outputs: Range<Int>) -> Linear {
    Linear(
      weight: weight.sliced(isInputFirst ? 1 : 0, outputs), bias: bias?.sliced(0, outputs),
      isInputFirst: isInputFirst)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("isInputFirst", isInputFirst)
  }
}

/// A table of vectors, taken by number: ids of any shape (int32 or int64) → [shape of the ids…, width].
public struct Embedding: Layer {
  /// [count, width].
  public var weight: Tensor
  /// An id whose row lookups do not train, such as that of padding.
  public let padding: Int?

  /// Normal numbers of deviation 1, as in PyTorch; language models draw smaller ones.
  public init(
    count: Int, width: Int, padding: Int? = nil, initializer: Initializer = .normal(deviation: 1),
    key: RandomKey
  ) {
    self.init(weight: initializer([count, width], key), padding: padding)
  }

  /// - Parameter weight: [count, width].
  public init(weight: Tensor, padding: Int? = nil) {
    self.weight = weight
    self.padding = padding
  }

  public var count: Int { weight.shape[0] }
  public var width: Int { weight.shape[1] }

  /// Ids out of range are not detected: they count as the nearest row and are not trained.
  public func callAsFunction(_ ids: Tensor, _ phase: Phase) -> Tensor {
    let rows = weight.rows(ids)
    guard let padding else { return rows }
    return select(ids.equal(to: Double(padding)).expanded(-1), rows.stopped(), rows)
  }

  /// The product with every row: an output layer tied to this table. [batch…, width] → [batch…, count].
  public func attend(_ x: Tensor) -> Tensor { matrixProduct(x, weight.transposed()) }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor.fixed("padding", padding)
  }
}

// Norms on channels-last tensors. 16-bit floats are normalised in float32.

extension Tensor {
  /// Computes in float32 where the elements are 16-bit floats.
  fileprivate func normalising(_ others: [Tensor?], _ body: (Tensor, [Tensor?]) -> Tensor) -> Tensor
  {
    guard dataType == .float16 || dataType == .bfloat16 else { return body(self, others) }
    return body(cast(to: .float32), others.map { $0?.cast(to: .float32) }).cast(to: dataType)
  }
}

/// Layer norm over the axes of `weight` or, without one, over the last axis (Ba et al., arXiv:1607.06450): zero mean and unit
/// variance (biased), then weight and bias.
public func layerNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, axes: Int? = nil
) -> Tensor {
  rowNorm(x, weight, bias, epsilon, isCentred: true, axes: axes)
}

/// RMS norm: x / √(mean(x²) + ε) · weight (Zhang and Sennrich, arXiv:1910.07467).
public func rmsNorm(_ x: Tensor, weight: Tensor? = nil, epsilon: Double = 1e-6, axes: Int? = nil)
  -> Tensor
{
  rowNorm(x, weight, nil, epsilon, isCentred: false, axes: axes)
}

private func rowNorm(
  _ x: Tensor, _ weight: Tensor?, _ bias: Tensor?, _ epsilon: Double, isCentred: Bool, axes: Int?
) -> Tensor {
  let axes = axes ?? weight?.rank ?? 1
  guard axes >= 1, axes <= x.rank else { fail("layer norm over \(axes) axes of shape \(x.shape)") }
  let columns = x.shape.suffix(axes).reduce(1, *)
  return x.normalising([weight, bias]) { x, vectors in
    let vectors = vectors.map { $0?.reshaped([-1]) }
    let norm = RowNorm(
      epsilon: epsilon, isCentred: isCentred, hasWeight: weight != nil, hasBias: bias != nil)
    let rows = x.reshaped([x.count / Swift.max(columns, 1), columns])
    return Tensor.apply(norm, [rows] + vectors.compactMap { $0 })[0].reshaped(x.shape)
  }
}

/// Group norm of [batch, …, channels] over all inner axes and each of `groups` ranges of channels (Wu and He,
/// arXiv:1803.08494).
public func groupNorm(
  _ x: Tensor, groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5,
  activation: NormActivation = .none
) -> Tensor {
  x.normalising([weight, bias]) { x, vectors in
    let norm = ChannelNorm(
      groups: groups, epsilon: epsilon, activation: activation, hasWeight: weight != nil,
      hasBias: bias != nil,
      hasResidual: false, keepsVariance: false)
    let images = x.reshaped([x.shape[0], -1, x.shape[x.rank - 1]])
    return Tensor.apply(norm, [images] + vectors.compactMap { $0 })[0].reshaped(x.shape)
  }
}

/// Instance norm: every channel of every image by itself (Ulyanov et al., arXiv:1607.08022).
public func instanceNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
) -> Tensor {
  groupNorm(x, groups: x.shape[x.rank - 1], weight: weight, bias: bias, epsilon: epsilon)
}

/// Batch norm with the statistics of this batch (Ioffe and Szegedy, arXiv:1502.03167): activation(norm(x) + residual).
/// - Returns: the result, and mean and biased variance of each channel, [channels].
public func batchNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, residual: Tensor? = nil,
  epsilon: Double = 1e-5,
  activation: NormActivation = .none
) -> (y: Tensor, mean: Tensor, variance: Tensor) {
  let channels = x.shape[x.rank - 1]
  guard x.count / Swift.max(channels, 1) > 1 else {
    fail(
      "batch norm: one value a channel has no variance; train with more than one value (shape \(x.shape))"
    )
  }
  let norm = ChannelNorm(
    groups: channels, epsilon: epsilon, activation: activation, hasWeight: weight != nil,
    hasBias: bias != nil,
    hasResidual: residual != nil, keepsVariance: true)
  let isHalf = x.dataType == .float16 || x.dataType == .bfloat16
  let type = isHalf ? DataType.float32 : x.dataType
  let pixels = [1, x.count / Swift.max(channels, 1), channels]
  let operands =
    [x.reshaped(pixels)] + [weight, bias].compactMap { $0 }
    + (residual.map { [$0.reshaped(pixels)] } ?? [])
  let results = Tensor.apply(norm, operands.map { $0.cast(to: type) })
  return (
    results[0].reshaped(x.shape).cast(to: x.dataType), results[1].reshaped([channels]),
    results[2].reshaped([channels])
  )
}

/// Local response norm over `size` neighbouring channels: x / (k + α/size · Σ x²)^β (Krizhevsky et al. 2012, section 3.3,
/// with PyTorch's division by the size).
public func localResponseNorm(
  _ x: Tensor, size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1
) -> Tensor {
  var padding = [(low: Int, high: Int)](repeating: (0, 0), count: x.rank)
  padding[x.rank - 1] = (size / 2, (size - 1) / 2)
  let squares = x.square().padded(padding)
  let channels = x.shape[x.rank - 1]
  let sum = (0..<size).map { squares.sliced(-1, $0..<($0 + channels)) }
  return x / (sum.dropFirst().reduce(sum[0], +) * (alpha / Double(size)) + k).power(beta)
}

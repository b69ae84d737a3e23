internal import CKernels
internal import StableHLO

/// What follows a channel norm in the same pass.
public enum NormActivation: Int32, Hashable, Sendable {
  case none = 0
  case relu = 1
  case silu = 2

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .none: x
    case .relu: x.relu()
    case .silu: x.silu()
    }
  }
}

/// Norm of rows [rows, columns]: layer norm, or RMS norm where not centred. Operands x, weight?, bias?; results y, mean [rows]
/// (where centred), 1/σ [rows].
struct RowNorm: Primitive {
  let epsilon: Double
  let isCentred: Bool
  let hasWeight: Bool
  let hasBias: Bool

  var name: String { isCentred ? "layer norm" : "RMS norm" }

  func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try checkNorm(inputs, channels: inputs[0].shape.last ?? 0)
    let statistic = inputs[0].with([inputs[0].shape[0]])
    return [inputs[0]] + (isCentred ? [statistic] : []) + [statistic]
  }

  /// The definition in plain operations: y, mean?, 1/σ.
  func formula(_ inputs: [Tensor]) -> [Tensor] {
    let x = inputs[0]
    let mean = x.mean([1], keepsAxes: true)
    let centred = isCentred ? x - mean : x
    let scale = (centred.square().mean([1], keepsAxes: true) + epsilon).rsqrt()
    var y = centred * scale
    if hasWeight { y = y * inputs[1] }
    if hasBias { y = y + inputs[hasWeight ? 2 : 1] }
    return [y] + (isCentred ? [mean.squeezed(1)] : []) + [scale.squeezed(1)]
  }

  func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    guard let slope = dy[0], dy.dropFirst().allSatisfy({ $0 == nil }) else {
      return formulaGradient(formula, inputs, dy)
    }
    let weight = hasWeight ? [inputs[1]] : []
    let gradient = Tensor.apply(
      RowNormGradient(norm: self), [slope, inputs[0]] + weight + outputs.dropFirst())
    return gradient.map { $0 }
  }

  fileprivate func description(_ x: TensorType) -> apus_row_norm {
    apus_row_norm(
      rows: Int64(x.shape[0]), columns: Int64(x.shape[1]), epsilon: epsilon,
      type: x.dataType.rawValue,
      centred: isCentred ? 1 : 0, has_weight: hasWeight ? 1 : 0, has_bias: hasBias ? 1 : 0)
  }

  func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    var description = description(inputs[0])
    return unsafe PreparedKernel(name) { unsafe apus_row_norm_prepare(&description, $0) }
  }

  func emit(_ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder)
    -> [Value]
  {
    function.inline(formula, operands)
  }
}

/// Operands dy, x, weight?, mean?, 1/σ; results dx, dweight?, dbias?.
struct RowNormGradient: Primitive {
  let norm: RowNorm
  var name: String { norm.name + " gradient" }

  func outputTypes(_ inputs: [TensorType]) -> [TensorType] {
    let vector = inputs[1].with([inputs[1].shape[1]])
    return [inputs[1]] + (norm.hasWeight ? [vector] : []) + (norm.hasBias ? [vector] : [])
  }

  /// From dy, x and weight alone: mean and deviation follow from x.
  private func formula(_ operands: [Tensor]) -> [Tensor] {
    normGradientFormula(
      norm.formula, operands, hasBias: norm.hasBias, channels: operands[1].shape[1])
  }

  func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    let used = 2 + (norm.hasWeight ? 1 : 0)
    let gradients = formulaGradient(formula, Array(inputs[..<used]), dy)
    return gradients + inputs[used...].map { _ in nil }
  }

  func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    var description = norm.description(inputs[1])
    return unsafe PreparedKernel(name) { unsafe apus_row_norm_gradient_prepare(&description, $0) }
  }

  func emit(_ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder)
    -> [Value]
  {
    function.inline(formula, Array(operands[..<(2 + (norm.hasWeight ? 1 : 0))]))
  }
}

/// Norm of [images, pixels, channels] over pixels and the channels of a group: batch norm (one image, a group a channel),
/// group norm, instance norm. Operands x, weight?, bias?, residual?; results activation(norm(x) + residual), mean and
/// statistic [images, groups]; the statistic is the biased variance or 1/σ.
struct ChannelNorm: Primitive {
  let groups: Int
  let epsilon: Double
  let activation: NormActivation
  let hasWeight: Bool
  let hasBias: Bool
  let hasResidual: Bool
  let keepsVariance: Bool

  var name: String { keepsVariance ? "batch norm" : "group norm" }

  func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    let x = inputs[0]
    guard x.rank == 3, groups > 0, x.shape[2] % groups == 0 else {
      throw ShapeError("\(groups) groups do not divide the channels of \(x.shape)")
    }
    try checkNorm(hasResidual ? Array(inputs.dropLast()) : inputs, channels: x.shape[2])
    if hasResidual, inputs.last != x {
      throw ShapeError("the residual is \(inputs.last!), not \(x)")
    }
    let statistic = x.with([x.shape[0], groups])
    return [x, statistic, statistic]
  }

  /// The definition in plain operations.
  func formula(_ inputs: [Tensor]) -> [Tensor] {
    let x = inputs[0]
    let (images, pixels, channels) = (x.shape[0], x.shape[1], x.shape[2])
    let grouped = x.reshaped([images, pixels, groups, channels / groups])
    let mean = grouped.mean([1, 3], keepsAxes: true)
    let centred = grouped - mean
    let variance = centred.square().mean([1, 3], keepsAxes: true)
    let scale = (variance + epsilon).rsqrt()
    var y = (centred * scale).reshaped(x.shape)
    if hasWeight { y = y * inputs[1] }
    if hasBias { y = y + inputs[hasWeight ? 2 : 1] }
    if hasResidual { y = y + inputs.last! }
    let statistic = keepsVariance ? variance : scale
    return [activation(y), mean.reshaped([images, groups]), statistic.reshaped([images, groups])]
  }

  func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    guard let slope = dy[0], dy[1] == nil, dy[2] == nil else {
      return formulaGradient(formula, inputs, dy)
    }
    return Tensor.apply(
      ChannelNormGradient(norm: self), [slope] + inputs + [outputs[1], outputs[2]])
  }

  fileprivate func description(_ x: TensorType) -> apus_channel_norm {
    apus_channel_norm(
      images: Int64(x.shape[0]), pixels: Int64(x.shape[1]), channels: Int64(x.shape[2]),
      groups: Int64(groups),
      epsilon: epsilon, type: x.dataType.rawValue, activation: activation.rawValue,
      has_weight: hasWeight ? 1 : 0,
      has_bias: hasBias ? 1 : 0, has_residual: hasResidual ? 1 : 0,
      keeps_variance: keepsVariance ? 1 : 0)
  }

  func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    var description = description(inputs[0])
    return unsafe PreparedKernel(name) { unsafe apus_channel_norm_prepare(&description, $0) }
  }

  func emit(_ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder)
    -> [Value]
  {
    function.inline(formula, operands)
  }
}

/// Operands dy, x, weight?, bias?, residual?, mean, statistic; results the gradients of x, weight?, bias?, residual?.
struct ChannelNormGradient: Primitive {
  let norm: ChannelNorm
  var name: String { norm.name + " gradient" }

  func outputTypes(_ inputs: [TensorType]) -> [TensorType] { Array(inputs[1..<(inputs.count - 2)]) }

  private func formula(_ operands: [Tensor]) -> [Tensor] {
    let inputs = operands[1...].enumerated().map { Tensor(Alias("\($0.offset)"), [$0.element]) }
    return gradients(of: [norm.formula(inputs)[0]], seeds: [operands[0]], by: inputs).map { $0! }
  }

  func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    formulaGradient(formula, Array(inputs.dropLast(2)), dy) + [nil, nil]
  }

  func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    var description = norm.description(inputs[1])
    return unsafe PreparedKernel(name) {
      unsafe apus_channel_norm_gradient_prepare(&description, $0)
    }
  }

  func emit(_ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder)
    -> [Value]
  {
    function.inline(formula, Array(operands.dropLast(2)))
  }
}

/// The gradients of a formula's inputs: what the derivative of a fused primitive falls back to.
func formulaGradient(
  _ formula: ([Tensor]) -> [Tensor], _ inputs: [Tensor], _ dy: [Tensor?]
) -> [Tensor?] {
  let aliases = inputs.map { Tensor(Alias($0.label), [$0]) }
  let pairs = zip(formula(aliases), dy).compactMap { output, slope in slope.map { (output, $0) } }
  return gradients(of: pairs.map(\.0), seeds: pairs.map(\.1), by: aliases)
}

/// dx, dweight?, dbias? of a row norm from dy, x, weight?.
private func normGradientFormula(
  _ formula: ([Tensor]) -> [Tensor], _ operands: [Tensor], hasBias: Bool, channels: Int
) -> [Tensor] {
  var inputs = Array(operands[1...])
  if hasBias { inputs.append(.zeros([channels], operands[1].dataType)) }
  let aliases = inputs.enumerated().map { Tensor(Alias("\($0.offset)"), [$0.element]) }
  return gradients(of: [formula(aliases)[0]], seeds: [operands[0]], by: aliases).map { $0! }
}

/// x is a float tensor of at least two axes, weight and bias are vectors of its channels.
private func checkNorm(_ inputs: [TensorType], channels: Int) throws(ShapeError) {
  guard inputs[0].rank >= 2, inputs[0].dataType == .float32 || inputs[0].dataType == .float64 else {
    throw ShapeError("\(inputs[0]); norms take float32 or float64 of two axes and more")
  }
  for vector in inputs.dropFirst() where vector != inputs[0].with([channels]) {
    throw ShapeError(
      "weight or bias is \(vector), the norm has \(channels) channels of \(inputs[0].dataType)")
  }
}

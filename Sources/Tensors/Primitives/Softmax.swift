internal import CKernels
public import StableHLO

/// exp(x) over its sum along the last axis. A row of −∞ alone, in which everything is masked, gives zeros.
public struct Softmax: SingleOutputPrimitive {
  public init() {}
  public var name: String { "softmax" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try checkRows(inputs[0])
    return inputs[0]
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(SoftmaxGradient(), [y, dy])]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    rowKernel(name, APUS_SOFTMAX, inputs[0])
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.inline({ Self.formula($0[0]) }, operands)
  }

  /// The definition; the highest element is taken off so that nothing overflows.
  static func formula(_ x: Tensor) -> Tensor {
    let powers = (x - finiteHighest(x)).exp()
    let sum = powers.sum([-1], keepsAxes: true)
    return powers / select(sum.equal(to: 0), sum.onesLike(), sum)
  }

  /// The highest element of every row, 0 where it is −∞.
  static func finiteHighest(_ x: Tensor) -> Tensor {
    let highest = x.max([-1], keepsAxes: true)
    return select(highest.equal(to: -Double.infinity), highest.zerosLike(), highest)
  }
}

/// y (dy − Σ y dy), for y = softmax(x).
public struct SoftmaxGradient: SingleOutputPrimitive {
  public init() {}
  public var name: String { "softmax gradient" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try checkRows(inputs[0])
    guard inputs[0] == inputs[1] else {
      throw ShapeError("\(inputs[0]) and its gradient \(inputs[1]) differ")
    }
    return inputs[0]
  }

  private static func formula(_ y: Tensor, _ dy: Tensor) -> Tensor {
    y * (dy - (y * dy).sum([-1], keepsAxes: true))
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let inputs = inputs.map { Tensor(Alias($0.label), [$0]) }
    return gradients(of: [Self.formula(inputs[0], inputs[1])], seeds: [dy], by: inputs)
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    rowKernel(name, APUS_SOFTMAX_GRADIENT, inputs[0])
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.inline({ Self.formula($0[0], $0[1]) }, operands)
  }
}

/// log Σ exp(x) along the last axis, which disappears. A row of −∞ alone gives −∞.
public struct LogSumExp: SingleOutputPrimitive {
  public init() {}
  public var name: String { "log of the sum of exponentials" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try checkRows(inputs[0])
    return inputs[0].with(Array(inputs[0].shape.dropLast()))
  }

  /// The softmax of x times dy, elementwise, so that it joins its neighbours' sweep.
  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [(inputs[0] - y.expanded(-1)).exp() * dy.expanded(-1)]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    rowKernel(name, APUS_LOG_SUM_EXP, inputs[0])
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.inline(
      { operands in
        let x = operands[0]
        let highest = Softmax.finiteHighest(x)
        return (x - highest).exp().sum([-1]).log() + highest.reshaped(output.shape)
      }, operands)
  }
}

private func checkRows(_ type: TensorType) throws(ShapeError) {
  guard type.dataType == .float32 || type.dataType == .float64 else {
    throw ShapeError("\(type.dataType) elements; cast(to: .float32) first")
  }
  guard type.rank > 0 else { throw ShapeError("a scalar has no last axis; use expanded(0)") }
}

private func rowKernel(_ name: String, _ operation: apus_softmax_operation, _ x: TensorType)
  -> PreparedKernel
{
  let columns = x.shape[x.rank - 1]
  var description = apus_softmax(
    rows: Int64(x.shape.dropLast().reduce(1, *)), columns: Int64(columns),
    operation: Int32(operation.rawValue), type: x.dataType.rawValue)
  let inPlace = (0..<(operation == APUS_SOFTMAX_GRADIENT ? 2 : 1)).map {
    PreparedKernel.InPlace(output: 0, input: $0)
  }
  return unsafe PreparedKernel(name, inPlace: operation == APUS_LOG_SUM_EXP ? [] : inPlace) {
    unsafe apus_softmax_prepare(&description, $0)
  }
}

public import Tensors

/// A linear layer whose outputs see only some of the inputs: every number has a degree, and an output sees the inputs whose
/// degrees are not above its own. A stack of such layers is a masked autoencoder (MADE, Germain et al., arXiv:1502.03509).
public struct MaskedLinear: Layer {
  /// [outputs, inputs]; entries that the degrees forbid count as 0 and are never changed.
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor
  public let inputDegrees: [Int]
  public let outputDegrees: [Int]

  /// Weight and bias uniform within ±1/√inputs, as in PyTorch.
  public init(inputDegrees: [Int], outputDegrees: [Int], key: RandomKey) {
    let layer = Linear(inputs: inputDegrees.count, outputs: outputDegrees.count, key: key)
    weight = layer.weight
    bias = layer.bias!
    self.inputDegrees = inputDegrees
    self.outputDegrees = outputDegrees
  }

  /// Which inputs an output sees: bool, [outputs, inputs].
  public var mask: Tensor {
    let inputs = Tensor(inputDegrees.map(Int32.init), shape: [1, inputDegrees.count])
    let outputs = Tensor(outputDegrees.map(Int32.init), shape: [outputDegrees.count, 1])
    return inputs.lessOrEqual(to: outputs)
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    matrixProduct(x, select(mask, weight, weight.zerosLike()).transposed()) + bias
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("input_degrees", inputDegrees)
    visitor.fixed("output_degrees", outputDegrees)
  }
}

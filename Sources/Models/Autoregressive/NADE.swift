public import Layers
public import Tensors

/// Sizes of a neural autoregressive distribution estimator.
public struct NADEConfiguration: Codable, Hashable, Sendable {
  /// Pixels.
  public var length: Int
  public var hidden: Int

  public init(length: Int, hidden: Int) {
    self.length = length
    self.hidden = hidden
  }
}

/// A neural autoregressive distribution estimator (Larochelle and Murray 2011): a hidden layer for every pixel, all with
/// the same weights, p(xᵢ = 1 | x<ᵢ) = σ(bᵢ + Vᵢ · σ(c + Σ W_j x_j)) over j < i.
///
/// The sum grows by one term from pixel to pixel, so all hidden layers together cost as much as one product.
public struct NADE: BinarySymbolModel {
  /// W, [pixels, hidden].
  public var input: Tensor
  /// V, [pixels, hidden].
  public var output: Tensor
  /// b, [pixels].
  public var bias: Tensor
  /// c, [hidden].
  public var hiddenBias: Tensor

  /// - Parameter means: how often each pixel is 1 in the data, [pixels].
  public init(_ configuration: NADEConfiguration, means: Tensor? = nil, key: RandomKey) {
    let shape = [configuration.length, configuration.hidden]
    // A pixel's sum has up to `length` terms, its logit `hidden` ones.
    let bound = 1 / Double(max(1, configuration.length)).squareRoot()
    input = Initializer.uniform(bound: bound)(shape, key.fork(0))
    output = Initializer.uniform(bound: bound)(shape, key.fork(1))
    bias = means?.logit() ?? .zeros([configuration.length])
    hiddenBias = .zeros([configuration.hidden])
  }

  public init(input: Tensor, output: Tensor, bias: Tensor, hiddenBias: Tensor) {
    (self.input, self.output) = (input, output)
    (self.bias, self.hiddenBias) = (bias, hiddenBias)
  }

  public var length: Int? { bias.count }

  /// Runs over blocks of pixels: within one, running sums give all hidden layers at once; only the sum at a block's end is
  /// kept, and the gradient computes the rest again.
  public func onLogits(of x: Tensor) -> Tensor {
    let (batch, length) = (x.shape[0], bias.count)
    let size = max(1, Int(Double(length).squareRoot().rounded(.up)))
    let blocks = (length + size - 1) / size
    func blocked(_ x: Tensor) -> Tensor {
      let missing = [(low: 0, high: blocks * size - length)]
      let rest = [(low: Int, high: Int)](repeating: (0, 0), count: x.rank - 1)
      return x.padded(missing + rest).reshaped([blocks, size] + x.shape.dropFirst())
    }
    let pixels = blocked(x.cast(to: bias.dataType).transposed())
    let weights = Pair(blocked(input), blocked(output))
    let start = hiddenBias.broadcast(to: [batch, hiddenBias.count])
    let logits = scan(start, over: Pair(pixels, weights), memory: .carryOnly) { sum, block in
      let terms = block.first.expanded(2) * block.second.first.expanded(1)
      let hidden = (terms.cumulativeSum(0, exclusive: true) + sum).sigmoid()
      sum = sum + terms.sum([0])
      return (hidden * block.second.second.expanded(1)).sum([2])
    }.outputs
    return logits.reshaped([blocks * size, batch]).sliced(0, 0..<length).transposed() + bias
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("W", &input)
    visitor("V", &output)
    visitor("b", &bias)
    visitor("c", &hiddenBias)
  }
}

extension NADE: SteppingSymbolModel {
  /// The sum over the pixels so far, [batch, hidden].
  public func memory(batch: Int, length: Int) -> Tensor {
    hiddenBias.broadcast(to: [batch, hiddenBias.count])
  }

  public func next(after previous: Tensor, step: Tensor, _ memory: inout Tensor) -> Tensor {
    // Before the first pixel nothing is added, whatever row is taken.
    let isOn = maximum(previous, previous.zerosLike()).cast(to: bias.dataType).expanded(1)
    let before = step - Tensor.fill(integer: 1, [], .int32)
    memory = memory + isOn * input.rows(before)
    let logit = (memory.sigmoid() * output.rows(step)).sum([1]) + bias.rows(step)
    return stack([logit.zerosLike(), logit], axis: 1)
  }
}

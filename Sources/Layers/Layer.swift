public import Tensors

/// A module that turns one tensor into another: what `Sequential`, arrays and optionals can hold.
///
/// A layer that changes nothing but its result declares its call without `mutating`, and that suffices here. A layer that
/// gathers statistics declares it `mutating`; so whatever contains such a layer is called on a variable:
///
///     var net = Sequential(Convolution(…), BatchNorm(channels: 8), Activation.relu)
///     let y = net(x, .training(key))   // changes the running statistics
///     let z = net(x)                   // changes nothing
public protocol Layer: Module {
  /// The layer's output. Random numbers come from the key of `phase` alone: a layer with several parts that draw them
  /// forks it.
  mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor
}

extension Layer {
  /// The output for inference, which changes nothing in the layer.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var copy = self
    return copy(x, .inference)
  }
}

/// Layers of one type, one after the other.
extension Array: Layer where Element: Layer {
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = x
    for i in indices { x = self[i](x, phase.fork(i)) }
    return x
  }
}

/// No layer passes its input on: the shortcut of a residual block may be one.
extension Optional: Layer where Wrapped: Layer {
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    self?(x, phase) ?? x
  }
}

/// Layers of any type, one after the other; their tensors are called `0.weight`, `1.weight`, … as in PyTorch.
public struct Sequential: Layer {
  public var layers: [any Layer]

  public init(_ layers: [any Layer]) { self.layers = layers }
  public init(_ layers: any Layer...) { self.layers = layers }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = x
    for i in layers.indices { x = layers[i](x, phase.fork(i)) }
    return x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.fixed("types", layers.map { ObjectIdentifier(type(of: $0)) })
    for i in layers.indices {
      // Copies the layer unless it is to change: writing into a copy would copy the whole array.
      if visitor.mode == .replace {
        visitor.named("", &layers[i])
      } else {
        var layer = layers[i]
        visitor.named("\(i)", &layer)
      }
    }
  }
}

/// Joins all axes but the first, channels before positions: the order in which PyTorch's `Flatten` hands pictures to a
/// linear layer, so that published weights fit. [batch, …, channels] → [batch, channels · …].
public struct Flatten: Layer {
  public init() {}

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let last = x.rank - 1
    guard last >= 1 else { fail("flatten: shape \(x.shape) has no axis besides the batch") }
    let width = x.shape.dropFirst().reduce(1, *)
    return x.transposed([0, last] + Array(1..<last)).reshaped([x.shape[0], width])
  }

  public mutating func visit(_ visitor: inout Visitor) {}
}

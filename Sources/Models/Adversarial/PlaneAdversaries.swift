public import Layers
public import Tensors

/// Sizes of two multilayer perceptrons that play against each other in the plane.
public struct PlaneAdversariesConfiguration: Codable, Hashable, Sendable {
  /// Numbers of a point.
  public var width: Int
  /// Numbers that a point is made of.
  public var latents: Int
  /// Units of each hidden layer.
  public var hidden: [Int]
  /// Whether the critic's weights are divided by their largest singular values.
  public var spectral: Bool

  public init(
    width: Int = 2, latents: Int = 2, hidden: [Int] = [128, 128, 128], spectral: Bool = false
  ) {
    self.width = width
    self.latents = latents
    self.hidden = hidden
    self.spectral = spectral
  }
}

/// A multilayer perceptron that makes points of noise: [batch, latents] → [batch, width].
public struct PlaneGenerator: Module {
  public var layers: Sequential
  public let latents: Int

  public init(_ configuration: PlaneAdversariesConfiguration, key: RandomKey) {
    latents = configuration.latents
    let widths = [configuration.latents] + configuration.hidden + [configuration.width]
    layers = .perceptron(widths, spectral: false, key)
  }

  public func callAsFunction(_ z: Tensor) -> Tensor { layers(z) }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("layers", &layers)
    visitor.fixed("latents", latents)
  }
}

/// A multilayer perceptron that scores points: [batch, width] → [batch].
public struct PlaneCritic: Module {
  public var layers: Sequential

  public init(_ configuration: PlaneAdversariesConfiguration, key: RandomKey) {
    let widths = [configuration.width] + configuration.hidden + [1]
    layers = .perceptron(widths, spectral: configuration.spectral, key)
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    layers(x, phase).squeezed(-1)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor("layers", &layers) }
}

extension Sequential {
  /// Linear layers with ReLU between them.
  fileprivate static func perceptron(_ widths: [Int], spectral: Bool, _ key: RandomKey) -> Self {
    let layers = zip(widths, widths.dropFirst()).enumerated().flatMap { i, sizes -> [any Layer] in
      let linear = Linear(inputs: sizes.0, outputs: sizes.1, key: key.fork(i))
      let layer: any Layer =
        spectral ? SpectralNorm(linear, key: key.fork(100 + i)) : linear
      return i + 2 < widths.count ? [layer, Activation.relu] : [layer]
    }
    return Sequential(layers)
  }
}

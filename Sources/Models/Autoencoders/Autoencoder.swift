public import Layers
public import Tensors

/// Sizes of an autoencoder of vectors.
public struct AutoencoderConfiguration: Codable, Hashable, Sendable {
  /// Numbers of an example.
  public var width: Int
  /// Units of the layers between an example and its code; the decoder has them in reverse.
  public var hidden: [Int]
  /// Numbers of a code.
  public var latents: Int
  /// Behind all layers but those that give codes and examples; `.identity` makes principal components.
  public var activation: Activation

  public init(
    width: Int = 784, hidden: [Int] = [256], latents: Int = 32, activation: Activation = .relu
  ) {
    (self.width, self.hidden, self.latents) = (width, hidden, latents)
    self.activation = activation
  }
}

/// A narrow place that examples must pass (Hinton and Salakhutdinov 2006): [batch, width] → code → [batch, width].
///
/// Without activation it learns the principal components (Baldi and Hornik 1989).
public struct Autoencoder: Module {
  public var encoder: Sequential
  public var decoder: Sequential

  public init(_ configuration: AutoencoderConfiguration, key: RandomKey) {
    let sizes = [configuration.width] + configuration.hidden + [configuration.latents]
    func layers(_ sizes: [Int], _ key: RandomKey) -> Sequential {
      let linear = zip(sizes, sizes.dropFirst()).enumerated().map { i, pair in
        Linear(inputs: pair.0, outputs: pair.1, key: key.fork(i))
      }
      let inner = linear.dropLast().flatMap { [$0, configuration.activation] as [any Layer] }
      return Sequential(inner + [linear[linear.count - 1]])
    }
    encoder = layers(sizes, key.fork(0))
    decoder = layers(sizes.reversed(), key.fork(1))
  }

  /// What is left of examples behind the narrow place.
  public func callAsFunction(_ x: Tensor) -> Tensor { decoder(encoder(x)) }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
  }
}

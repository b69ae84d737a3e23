public import Layers
public import Tensors

/// Sizes of a Glow.
public struct GlowConfiguration: Codable, Hashable, Sendable {
  /// Height and width of the pictures: divisible by 2 for every level.
  public var size: Int
  public var channels: Int
  /// Levels: at each the picture has half the height and width of the one before.
  public var levels: Int
  /// Steps of each level.
  public var steps: Int
  /// Channels inside the couplings.
  public var filters: Int
  /// What couplings do to their half.
  public var map: ElementwiseMap
  /// How far a logit keeps off the ends of the interval; nil: pixels are taken as they are, within −½ … ½, as in the paper.
  public var alpha: Double?

  public init(
    size: Int = 28, channels: Int = 1, levels: Int = 2, steps: Int = 8, filters: Int = 64,
    map: ElementwiseMap = .sigmoid, alpha: Double? = nil
  ) {
    (self.size, self.channels, self.levels, self.steps) = (size, channels, levels, steps)
    (self.filters, self.map, self.alpha) = (filters, map, alpha)
  }

  /// Channels of a level's steps: half of those before have left.
  func channels(ofLevel level: Int) -> Int { channels << (level + 2) }
}

/// ActNorm, an invertible 1×1 convolution, and a coupling.
public struct GlowStep: Flow {
  public var norm: ElementwiseAffine
  public var mixing: InvertibleConvolution
  public var coupling: Coupling

  init(_ configuration: GlowConfiguration, examples: Tensor, key: RandomKey) {
    let channels = examples.shape[3]
    norm = ElementwiseAffine(standardizing: examples, byChannel: true, least: 1e-3).evaluated()
    mixing = InvertibleConvolution(channels: channels, key: key.fork(0))
    coupling = Coupling(
      channels: channels, map: configuration.map, filters: configuration.filters,
      key: key.fork(1))
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let scaled = norm.forward(x)
    let mixed = mixing.forward(scaled.z)
    let (z, sum) = coupling.forward(mixed.z)
    return (z, sum + scaled.logDeterminant + mixed.logDeterminant)
  }

  public func inverse(_ z: Tensor) -> Tensor {
    norm.inverse(mixing.inverse(coupling.inverse(z)))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("actnorm", &norm)
    visitor("invconv", &mixing)
    visitor("coupling", &coupling)
  }
}

/// What is expected of the channels that leave, read off those that go on: their means and the logarithms of their
/// deviations.
public struct SplitPrior: Module {
  public var network: Convolution

  init(channels: Int, key: RandomKey) {
    network = .silent(inputs: channels / 2, outputs: channels, key: key)
  }

  /// The channels that leave as standard normal numbers, beside those that go on.
  func forward(_ x: Tensor) -> (left: Tensor, rest: Tensor, logDeterminant: Tensor) {
    let parts = x.split(-1, into: 2)
    let (mean, logDeviation) = moments(parts[1])
    return (
      (parts[0] - mean) * (-logDeviation).exp(), parts[1], -logDeviation.flattened(1..<4).sum([1])
    )
  }

  func inverse(_ left: Tensor, _ rest: Tensor) -> Tensor {
    let (mean, logDeviation) = moments(rest)
    return concatenate([left * logDeviation.exp() + mean, rest], axis: -1)
  }

  private func moments(_ rest: Tensor) -> (mean: Tensor, logDeviation: Tensor) {
    let parts = network(rest).split(-1, into: 2)
    return (parts[0], parts[1])
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor("network", &network) }
}

/// Steps at one size of the picture.
public struct GlowLevel: Module {
  public var steps: [GlowStep]
  /// Of the half that leaves; nil at the last level, where all leaves.
  public var prior: SplitPrior?

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("steps", &steps)
    visitor("prior", &prior)
  }
}

/// Glow (Kingma and Dhariwal, arXiv:1807.03039): an exact density of pictures [batch, height, width, channels] of real
/// numbers within 0 … 256, such as `PixelLogit.dequantized` makes of 8-bit pixels. Images z are [batch, numbers], all
/// standard normal: what priors expect is taken off.
public struct Glow: FlowModel {
  public let configuration: GlowConfiguration
  public var input: FlowChain
  public var levels: [GlowLevel]
  /// The prior of what the last level gives.
  public var prior: ElementwiseAffine

  /// - Parameter examples: pictures [count, height, width, channels], from which ActNorms learn their scales.
  public init(_ configuration: GlowConfiguration, examples: Tensor, key: RandomKey) {
    self.configuration = configuration
    input = FlowChain([
      configuration.alpha.map { PixelLogit(alpha: $0) as any Flow } ?? PixelRange()
    ])
    levels = []
    var z = input.forward(examples).z
    for level in 0..<configuration.levels {
      z = z.squeezedCheckerboard().evaluated()
      var steps: [GlowStep] = []
      for place in 0..<configuration.steps {
        let step = GlowStep(configuration, examples: z, key: key.fork(level).fork(place))
          .evaluated()
        z = step.forward(z).z.evaluated()
        steps.append(step)
      }
      let isLast = level == configuration.levels - 1
      let prior =
        isLast ? nil : SplitPrior(channels: z.shape[3], key: key.fork(level).fork(-1))
      levels.append(GlowLevel(steps: steps, prior: prior))
      if !isLast { z = z.split(-1, into: 2)[1] }
    }
    prior = ElementwiseAffine(shape: [z.shape[3]])
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    var (z, sum) = input.forward(x)
    var left: [Tensor] = []
    for level in levels {
      let step = level.steps.forward(z.squeezedCheckerboard())
      z = step.z
      sum = sum + step.logDeterminant
      guard let prior = level.prior else { continue }
      let parts = prior.forward(z)
      left.append(parts.left.flattened(1..<4))
      z = parts.rest
      sum = sum + parts.logDeterminant
    }
    let last = prior.forward(z)
    left.append(last.z.flattened(1..<4))
    return (concatenate(left, axis: 1), sum + last.logDeterminant)
  }

  public func inverse(_ z: Tensor) -> Tensor {
    let shapes = levels.indices.map { level in
      let side = configuration.size >> (level + 1)
      let channels = configuration.channels(ofLevel: level)
      return [z.shape[0], side, side, level == levels.count - 1 ? channels : channels / 2]
    }
    let left = z.split(1, sizes: shapes.map { $0.dropFirst().reduce(1, *) })
    var x = z
    for (i, level) in levels.enumerated().reversed() {
      let part = left[i].reshaped(shapes[i])
      x = level.prior.map { $0.inverse(part, x) } ?? prior.inverse(part)
      x = level.steps.inverse(x).unsqueezedCheckerboard()
    }
    return input.inverse(x)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("input", &input)
    visitor("levels", &levels)
    visitor("prior", &prior)
    visitor.fixed("configuration", configuration)
  }
}

internal import Layers
public import Models
public import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// An upper bound of −log p(x) for a discrete diffusion model (Ho et al., arXiv:2006.11239, eq. 5).
///
/// It is the sum of T + 1 terms: what the last state differs from noise by, what every step back differs from the true one
/// by, and what the clean image costs given the first state. Each is exact for the noise that is drawn; the expectation
/// over noise, and over times where not all are visited, is taken by drawing. All in nats.
public struct VariationalBound: Hashable, Sendable {
  /// The law of the data given the first state.
  public enum Decoder: Hashable, Sendable {
    /// So many levels, equally spaced from −1 to 1: a normal law's probability of the level's interval, to infinity at
    /// both ends.
    case levels(Int)
    /// As many levels as there are probabilities, equally spaced from −1 to 1: a normal law's density at each level times
    /// the level's probability, normalised. Where few levels are frequent, such as a background's, it costs far less.
    case weightedLevels([Double])
    /// A normal density of continuous data.
    case density
  }

  public var process: DiffusionProcess
  public var variance: ReverseVariance
  public var decoder: Decoder
  /// Predicted clean images are clipped to ±this; nil: not at all.
  public var limit: Double?

  /// - Parameter limit: helps where data lie in −1 … 1.
  public init(
    _ process: DiffusionProcess, variance: ReverseVariance = .small,
    decoder: Decoder = .levels(256), limit: Double? = 1
  ) {
    self.process = process
    self.variance = variance
    self.decoder = decoder
    self.limit = limit
  }

  /// The bound of every image, [batch], from one network call an image: T times the term of a random time and the rest.
  /// Its mean over keys and images is the bound; times are spread evenly over the batch (Kingma et al., arXiv:2107.00630,
  /// appendix I), so that a large batch has little variance.
  public func estimate<D: Denoiser>(
    _ network: D, _ clean: Tensor, condition: D.Condition? = nil, key: RandomKey
  ) -> Tensor {
    let (batch, count) = (clean.shape[0], Double(process.count))
    let spread = Tensor((0..<batch).map { Double($0) / Double(batch) })
    let place = spread + key.fork(0).uniform([], .float64)
    let time = minimum(((place - place.floor()) * count).floor(), count - 1).cast(to: .int32)
    let noise = key.fork(1).normal(clean.shape, clean.dataType)
    let term = self.term(network, clean, noise: noise, at: time, condition: condition)
    return prior(clean) + term * count
  }

  /// The bound of every image, [batch], from all T terms with one draw of noise each: T network calls.
  public func callAsFunction<D: Denoiser>(
    _ network: D, _ clean: Tensor, condition: D.Condition? = nil, key: RandomKey
  ) -> Tensor {
    let batch = clean.shape[0]
    let step = compiled { (network: D, input: Pair<Input, D.Condition?>) in
      let noise = input.first.key.normal(input.first.clean.shape, input.first.clean.dataType)
      return self.term(
        network, input.first.clean, noise: noise, at: input.first.time, condition: input.second)
    }
    var total = prior(clean)
    for time in 0..<process.count {
      let times = Tensor([Int32](repeating: Int32(time), count: batch))
      let input = Input(clean: clean, time: times, key: key.fork(time))
      total = (total + step(network, Pair(input, condition))).evaluated()
    }
    return total
  }

  private struct Input: Module {
    var clean: Tensor
    var time: Tensor
    var key: RandomKey

    mutating func visit(_ visitor: inout Visitor) {
      visitor("clean", &clean)
      visitor("time", &time)
      visitor("key", &key)
    }
  }

  /// KL(q(x_T | clean) ‖ N(0, 1)) of every image: [batch].
  public func prior(_ clean: Tensor) -> Tensor {
    let power = process.schedule.signalPower(process.count - 1)
    let squares = clean.square().reshaped([clean.shape[0], -1])
    return (squares * power - (power + log(1 - power))).sum([1]) * 0.5
  }

  /// The terms of every image at its own time [batch], for given noise: [batch].
  public func term<D: Denoiser>(
    _ network: D, _ clean: Tensor, noise: Tensor, at time: Tensor, condition: D.Condition? = nil
  ) -> Tensor {
    let guess = guess(network, clean, noise: noise, at: time, condition: condition)
    let isFirst = time.equal(to: 0).reshaped(
      [clean.shape[0]] + clean.shape.dropFirst().map { _ in 1 })
    let each = select(
      isFirst.broadcast(to: clean.shape), decoding(clean, from: guess),
      divergence(clean, guess, at: time))
    return each.reshaped([clean.shape[0], -1]).sum([1])
  }

  /// The clean images that the network sees in noisy ones.
  func guess<D: Denoiser>(
    _ network: D, _ clean: Tensor, noise: Tensor, at time: Tensor, condition: D.Condition? = nil
  ) -> Tensor {
    let (signal, deviation) = process.scales(at: time, like: clean)
    let x = signal * clean + deviation * noise
    let output = network(x, at: time, condition: condition)
    let guess = process.parameterisation.clean(
      from: output, at: x, signal: signal, deviation: deviation)
    return limit.map { guess.clipped(to: -$0...$0) } ?? guess
  }

  /// What a step back from a time above 0 differs from the true one by, of every number.
  func divergence(_ clean: Tensor, _ guess: Tensor, at time: Tensor) -> Tensor {
    let (weights, constants) = tables()
    let weight = DiffusionProcess.values(weights, at: time, like: clean)
    let constant = DiffusionProcess.values(constants, at: time, like: clean)
    return (guess - clean).square() * weight + constant
  }

  /// KL of two normal laws at each step but the first, as weight · (error of the clean image)² + constant, per dimension.
  private func tables() -> (weights: [Double], constants: [Double]) {
    var (weights, constants) = ([0.0], [0.0])
    for time in 1..<max(process.count, 1) {
      let posterior = process.posterior(from: time, to: time - 1)
      let spread = variance(posterior, at: time)
      let ratio = posterior.variance / spread
      weights.append(posterior.clean * posterior.clean / (2 * spread))
      constants.append((ratio - 1 - log(ratio)) / 2)
    }
    return (weights, constants)
  }

  /// The variance of the decoder: the first step's own is 0 with `small`, so it takes the next one's β̃, as the authors do.
  private var decoderVariance: Double {
    if case .given(let variances) = variance { return variances[0] }
    guard process.count > 1 else { return process.schedule.betas[0] }
    return process.posterior(from: 1, to: 0).variance
  }

  /// −log p(clean | guess) of every number.
  func decoding(_ clean: Tensor, from guess: Tensor) -> Tensor {
    let deviation = decoderVariance.squareRoot()
    let constant = log(2 * .pi) / 2 + log(deviation)
    if case .weightedLevels(let weights) = decoder {
      return decoding(clean, from: guess, weights, deviation)
    }
    guard case .levels(let count) = decoder else {
      return ((clean - guess) / deviation).square() * 0.5 + constant
    }
    // In float64: differences of almost equal probabilities.
    let (x, centre) = (clean.cast(to: .float64), guess.cast(to: .float64))
    let half = 1 / Double(count - 1)
    func cumulative(_ edge: Tensor) -> Tensor {
      ((edge - centre) / deviation * 0.5.squareRoot()).erf() * 0.5 + 0.5
    }
    let low = select(x.less(than: -1 + half), x.zerosLike(), cumulative(x - half))
    let high = select(x.greater(than: 1 - half), x.onesLike(), cumulative(x + half))
    let probability = high - low
    // Far from the centre the difference has no digits left. There the density is convex, so that its middle value times
    // the width is less than the probability: the bound stays one.
    let middle = ((x - centre) / deviation).square() * -0.5 - constant + log(2 * half)
    let exact = maximum(probability, 1e-9).log()
    let nats = -select(probability.less(than: 1e-9), minimum(middle, exact), exact)
    return nats.cast(to: clean.dataType)
  }

  /// −log p(clean | guess) of every number, where levels have weights.
  private func decoding(
    _ clean: Tensor, from guess: Tensor, _ weights: [Double], _ deviation: Double
  ) -> Tensor {
    let (count, type) = (weights.count, clean.dataType)
    let spacing = 2 / Double(count - 1)
    func score(_ level: Tensor, _ log: Tensor, _ guess: Tensor) -> Tensor {
      log - ((level - guess) / deviation).square() * 0.5
    }
    let levels = Tensor((0..<count).map { Double($0) * spacing - 1 }).cast(to: type)
    let logs = Tensor(weights.map { log($0) }).cast(to: type)
    let all = score(levels, logs, guess.expanded(-1)).logSumExp()
    let index = ((clean + 1) / spacing).rounded().cast(to: .int32)
    let own = logs.reshaped([count, 1]).rows(index.reshaped([index.count])).reshaped(clean.shape)
    return all - score(clean, own, guess)
  }

  /// Nats of an image of so many numbers as bits per number.
  public static func bitsPerDimension(_ nats: Tensor, dimensions: Int) -> Tensor {
    nats / (Double(dimensions) * log(2))
  }
}

internal import Layers
public import Models
public import Tensors

/// One step of a sampler: the network is asked at `time` about x = signal · clean + deviation · noise, and the next x is
/// clean · x̂₀ + noise · ε̂ + state · x + fresh · z with new noise z.
public struct DiffusionStep: Hashable, Sendable {
  public var time: Int
  /// a = √ᾱ and s = √(1 − ᾱ) of x.
  public var signal: Double
  public var deviation: Double
  public var clean: Double
  public var noise: Double
  public var state: Double
  public var fresh: Double

  public init(
    time: Int, signalPower: Double, clean: Double = 0, noise: Double = 0, state: Double = 0,
    fresh: Double = 0
  ) {
    self.time = time
    signal = signalPower.squareRoot()
    deviation = (1 - signalPower).squareRoot()
    self.clean = clean
    self.noise = noise
    self.state = state
    self.fresh = fresh
  }

  var numbers: [Double] { [signal, deviation, clean, noise, state, fresh] }
}

/// How far predicted clean images may go.
public enum CleanBound: Hashable, Sendable {
  /// Anywhere: latents, data of no fixed range.
  case none
  /// Within ±this: images of −1 … 1.
  case clipped(Double)
  /// Within ± the quantile `ratio` of the image's own magnitudes, which is then made 1; the quantile is taken to be at
  /// least 1 and at most `limit` (Saharia et al., arXiv:2205.11487, section 2.3).
  case dynamic(ratio: Double, limit: Double)

  /// The images [batch, …] brought within the bound.
  public func callAsFunction(_ clean: Tensor) -> Tensor {
    switch self {
    case .none: return clean
    case .clipped(let limit): return clean.clipped(to: -limit...limit)
    case .dynamic(let ratio, let limit):
      let sorted = clean.abs().reshaped([clean.shape[0], -1]).sorted()
      let place = ratio * Double(sorted.shape[1] - 1)
      let (low, high) = (Int(place), min(Int(place) + 1, sorted.shape[1] - 1))
      let (below, above) = (sorted.element(1, low), sorted.element(1, high))
      let quantile = below + (above - below) * (place - Double(low))
      let scale = minimum(maximum(quantile, 1), limit)
        .reshaped([clean.shape[0]] + [Int](repeating: 1, count: clean.rank - 1))
      return minimum(maximum(clean, -scale), scale) / scale
    }
  }
}

/// Which of T steps a sampler of fewer steps visits, as diffusers counts them.
public enum TimeSpacing: String, Codable, Hashable, Sendable, CaseIterable {
  /// 0, T/n, 2 T/n, … upwards from 0 (or an offset); never the last.
  case leading
  /// T − 1, T − 1 − T/n, … downwards from the last.
  case trailing
  /// From the last to the first with equal gaps.
  case linspace

  /// The times in the order of sampling, from the noisiest.
  public func times(_ steps: Int, of count: Int, offset: Int = 0) -> [Int] {
    guard (1...count).contains(steps) else {
      fail("\(steps) steps cannot be chosen among \(count)")
    }
    let times: [Int]
    switch self {
    case .leading: times = (0..<steps).reversed().map { $0 * (count / steps) + offset }
    case .trailing:
      let gap = Double(count) / Double(steps)
      times = (0..<steps).map {
        Int((Double(count) - Double($0) * gap).rounded(.toNearestOrEven)) - 1
      }
    case .linspace:
      let gap = steps == 1 ? 0 : Double(count - 1) / Double(steps - 1)
      times = (0..<steps).reversed().map { Int((Double($0) * gap).rounded(.toNearestOrEven)) }
    }
    guard times.allSatisfy((0..<count).contains) else {
      fail("with the offset \(offset) the times leave 0 ..< \(count): \(times[0])")
    }
    return times
  }
}

/// A way from noise to images whose every step is linear in what the network says: DDPM, DDIM.
///
///     for state in DDIM(process, steps: 50).samples(of: network, from: noise, key: key) {
///       show(state.clean)
///     }
public protocol DiffusionSampler: Sendable {
  var process: DiffusionProcess { get }
  /// The steps in their order.
  var steps: [DiffusionStep] { get }
  var bound: CleanBound { get }
  /// Whether the noise ε̂ is what the bounded clean image leaves of x, not what the network said.
  var boundsNoise: Bool { get }
}

extension DiffusionSampler {
  public var boundsNoise: Bool { false }

  /// The next state and the predicted clean image, from what the network said about `x`.
  /// - Parameter noise: z, which is needed only where `step.fresh` is not 0.
  public func advanced(
    _ x: Tensor, _ output: Tensor, _ step: DiffusionStep, noise: Tensor? = nil
  ) -> (next: Tensor, clean: Tensor) {
    advanced(x, output, Tensor(step.numbers), noise: noise)
  }

  /// The same with the numbers of the step as a tensor, so that one program serves all steps.
  func advanced(
    _ x: Tensor, _ output: Tensor, _ numbers: Tensor, noise: Tensor?
  ) -> (next: Tensor, clean: Tensor) {
    let parts = numbers.cast(to: x.dataType).split(0, into: 6).map { $0.reshaped([]) }
    let (signal, deviation) = (parts[0], parts[1])
    let kind = process.parameterisation
    let clean = bound(kind.clean(from: output, at: x, signal: signal, deviation: deviation))
    let heard =
      boundsNoise
      ? Parameterisation.clean.noise(from: clean, at: x, signal: signal, deviation: deviation)
      : kind.noise(from: output, at: x, signal: signal, deviation: deviation)
    var next = parts[2] * clean + parts[3] * heard + parts[4] * x
    if let noise { next = next + parts[5] * noise }
    return (next, clean)
  }

  /// The states from `start` on, one a step, computed as they are asked for.
  ///
  /// - Parameters:
  ///   - start: normal noise of the images' shape: [batch, …].
  ///   - key: the source of fresh noise; the same key gives the same images.
  public func samples<D: Denoiser>(
    of network: D, from start: Tensor, condition: D.Condition? = nil, key: RandomKey
  ) -> DiffusionTrajectory<D> {
    DiffusionTrajectory(self, network, start, condition, key)
  }
}

/// What a sampler has after a step.
public struct DiffusionState: Sendable {
  /// [batch, …].
  public let x: Tensor
  /// The clean images that the network saw in the state before.
  public let clean: Tensor
  /// Where the network was asked.
  public let time: Int
}

/// The states of a sampler, one a step; the last one's `x` are the samples.
public struct DiffusionTrajectory<Network: Denoiser>: Sequence, Sendable {
  private let steps: [DiffusionStep]
  private let network: Network
  private let start: Tensor
  private let condition: Network.Condition?
  private let key: RandomKey
  private let advance: @Sendable (Network, Input) -> Pair<Tensor, Tensor>

  private struct Input: Module {
    var x: Tensor
    var time: Tensor
    var numbers: Tensor
    var key: RandomKey
    var condition: Network.Condition?
    var drawsNoise: Bool

    mutating func visit(_ visitor: inout Visitor) {
      visitor("x", &x)
      visitor("time", &time)
      visitor("numbers", &numbers)
      visitor("key", &key)
      visitor("condition", &condition)
      visitor.fixed("draws_noise", drawsNoise)
    }
  }

  fileprivate init(
    _ sampler: some DiffusionSampler, _ network: Network, _ start: Tensor,
    _ condition: Network.Condition?, _ key: RandomKey
  ) {
    steps = sampler.steps
    self.network = network
    self.start = start
    self.condition = condition
    self.key = key
    advance = compiled { (network: Network, input: Input) in
      let output = network(input.x, at: input.time, condition: input.condition)
      let noise =
        input.drawsNoise ? input.key.normal(input.x.shape, input.x.dataType) : nil
      let (next, clean) = sampler.advanced(input.x, output, input.numbers, noise: noise)
      return Pair(next, clean)
    }
  }

  public struct Iterator: IteratorProtocol {
    fileprivate let trajectory: DiffusionTrajectory
    fileprivate var x: Tensor
    fileprivate var position = 0

    public mutating func next() -> DiffusionState? {
      guard position < trajectory.steps.count else { return nil }
      let step = trajectory.steps[position]
      let batch = x.shape[0]
      let input = Input(
        x: x, time: Tensor([Int32](repeating: Int32(step.time), count: batch)),
        numbers: Tensor(step.numbers), key: trajectory.key.fork(position),
        condition: trajectory.condition, drawsNoise: step.fresh != 0)
      let result = trajectory.advance(trajectory.network, input)
      position += 1
      x = result.first
      return DiffusionState(x: x, clean: result.second, time: step.time)
    }
  }

  public func makeIterator() -> Iterator { Iterator(trajectory: self, x: start) }

  /// The state after the last step; nil without steps.
  public var last: DiffusionState? {
    var iterator = makeIterator()
    var state: DiffusionState?
    while let next = iterator.next() { state = next }
    return state
  }
}

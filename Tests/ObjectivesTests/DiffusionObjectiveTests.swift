import Foundation
import Layers
import Models
import Objectives
import Tensors
import Testing

@Suite struct DiffusionObjectiveTests {
  /// A grid of clean numbers of one component and noise, with the weights of their joint law.
  private func grid(_ mean: Double, _ deviation: Double, _ count: Int) -> (
    clean: Tensor, noise: Tensor, weights: Tensor
  ) {
    let nodes = (0..<count).map { -7 + 14 * Double($0) / Double(count - 1) }
    let density = nodes.map {
      exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() * 14 / Double(count - 1)
    }
    var (clean, noise, weights) = ([Double](), [Double](), [Double]())
    for (i, u) in nodes.enumerated() {
      for (j, z) in nodes.enumerated() {
        clean.append(mean + deviation * u)
        noise.append(z)
        weights.append(density[i] * density[j])
      }
    }
    let shape = [count * count, 1]
    return (Tensor(clean, shape: shape), Tensor(noise, shape: shape), Tensor(weights))
  }

  /// The least loss possible at a step on 0.4 N(−1, 0.3²) + 0.6 N(1.5, 0.2²), by quadrature.
  private func leastLoss(_ process: DiffusionProcess, _ times: [Int], nodes: Int) -> [Double] {
    let model = MixtureDenoiser(
      process, weights: Tensor([0.4, 0.6] as [Double]),
      means: Tensor([-1, 1.5] as [Double], shape: [2, 1]),
      deviations: Tensor([0.3, 0.2] as [Double]))
    let objective = NoisePrediction(process)
    let parts = [(0.4, grid(-1, 0.3, nodes)), (0.6, grid(1.5, 0.2, nodes))]
    return times.map { time in
      parts.map { share, grid in
        let when = Tensor([Int32](repeating: Int32(time), count: nodes * nodes))
        let errors = objective.errors(of: model, grid.clean, noise: grid.noise, at: when)
        return share * (errors * grid.weights).sum().scalar
      }.reduce(0, +)
    }
  }

  @Test func `The loss of the best network is what quadrature of the score says`() {
    let process = DiffusionProcess(NoiseSchedule(.linear))
    let losses = leastLoss(process, [0, 99, 499, 999], nodes: 161)
    for (loss, expected) in zip(losses, [0.998060, 0.357043, 0.117202, 6.2958e-5]) {
      #expect(abs(loss - expected) < 2e-5 * max(expected, 0.05), "\(loss), not \(expected)")
    }
  }

  @Test(arguments: [(NoiseSchedule.Kind.linear, 0.216205), (.cosine, 0.367364)])
  func `The mean over all steps is the published one`(kind: NoiseSchedule.Kind, expected: Double) {
    let process = DiffusionProcess(NoiseSchedule(kind))
    let losses = leastLoss(process, Array(0..<1000), nodes: 41)
    let mean = losses.reduce(0, +) / 1000
    #expect(abs(mean - expected) < 2e-4, "\(mean)")
  }

  @Test func `A random batch has the loss of its parts and each key its own`() {
    let process = DiffusionProcess(NoiseSchedule(.linear), .velocity)
    let model = MixtureDenoiser(
      process, weights: Tensor([1] as [Float]), means: Tensor([0, 0] as [Float], shape: [1, 2]),
      deviations: Tensor([1] as [Float]))
    let objective = NoisePrediction(process)
    let clean = RandomKey(seed: 5).normal([4000, 2])
    let losses = (0..<3).map { objective(model, clean, key: RandomKey(seed: $0)).scalar }
    #expect(losses[0] != losses[1])
    #expect(losses[0] == objective(model, clean, key: RandomKey(seed: 0)).scalar)
    // For N(0, 1) the best guess is a x, so that velocities are guessed as 0 and are N(0, 1).
    for loss in losses { #expect(abs(loss - 1) < 0.06) }
  }
}

@Suite struct VariationalBoundTests {
  /// The variance of the best step back for data N(m, d²): β̃ + clean² · Var(x₀ | x_t).
  private func variances(_ process: DiffusionProcess, _ deviation: Double) -> [Double] {
    let spread = deviation * deviation
    return (0..<process.count).map { time in
      let power = process.schedule.signalPower(time)
      let rest = spread * (1 - power) / (power * spread + 1 - power)
      let posterior = process.posterior(from: time, to: time - 1)
      return posterior.variance + posterior.clean * posterior.clean * rest
    }
  }

  private func model(_ process: DiffusionProcess, _ mean: Double, _ deviation: Double)
    -> MixtureDenoiser
  {
    MixtureDenoiser(
      process, weights: Tensor([1] as [Double]), means: Tensor([mean] as [Double], shape: [1, 1]),
      deviations: Tensor([deviation] as [Double]))
  }

  @Test(arguments: [(0.0, 1.0), (0.7, 0.4), (-0.2, 2.0)], [20, 200])
  func `For a normal law the terms sum to −log p`(law: (Double, Double), steps: Int) {
    let (mean, deviation) = law
    let process = DiffusionProcess(NoiseSchedule(.cosine, steps: steps))
    let bound = VariationalBound(
      process, variance: .given(variances(process, deviation)), decoder: .density, limit: nil)
    let values = [-1.5, -0.4, 0, 0.9, 2]
    // Each term is quadratic in the noise: noise of ±1 gives its expectation exactly.
    let x = Tensor(values + values, shape: [10, 1])
    let noise = Tensor(
      [Double](repeating: 1, count: 5) + [Double](repeating: -1, count: 5), shape: [10, 1])
    var total = bound.prior(x)
    for time in 0..<steps {
      total =
        total
        + bound.term(
          model(process, mean, deviation), x, noise: noise,
          at: Tensor([Int32](repeating: Int32(time), count: 10)))
    }
    let nats = total.doubles()
    let power = process.schedule.signalPower(steps - 1)
    let last = (
      mean: power.squareRoot() * mean, variance: power * deviation * deviation + 1 - power
    )
    for (i, value) in values.enumerated() {
      let z = (value - mean) / deviation
      let exact = z * z / 2 + log(deviation) + log(2 * .pi) / 2
      // The model starts from N(0, 1), not from the law of the last state.
      let (centre, spread) = (power.squareRoot() * value, 1 - power)
      let gap =
        (centre * centre + spread) / 2
        - ((centre - last.mean) * (centre - last.mean) + spread) / (2 * last.variance)
        - log(last.variance) / 2
      let sum = (nats[i] + nats[i + 5]) / 2
      #expect(abs(sum - exact - gap) < 1e-8, "\(sum), not \(exact + gap) at \(value)")
    }
  }

  @Test func `Other variances give a looser bound`() {
    let process = DiffusionProcess(NoiseSchedule(.cosine, steps: 50))
    let x = RandomKey(seed: 1).normal([4000, 1], .float64) * 0.4
    func nats(_ variance: ReverseVariance) -> Double {
      VariationalBound(process, variance: variance, decoder: .density, limit: nil)(
        model(process, 0, 0.4), x, key: RandomKey(seed: 2)
      ).mean().scalar
    }
    let best = nats(.given(variances(process, 0.4)))
    let exact = 0.5 + log(0.4) + log(2 * .pi) / 2
    #expect(abs(best - exact) < 0.05)
    #expect(nats(.small) > best && nats(.large) > best)
  }

  @Test func `Random times give the same bound as all of them`() {
    let process = DiffusionProcess(NoiseSchedule(.linear, steps: 200, range: 5e-4...0.1))
    let bound = VariationalBound(process, variance: .given(variances(process, 0.3)))
    let x = (RandomKey(seed: 3).normal([4000, 1]) * 0.3).clipped(to: -1...1)
    let levels = ((x + 1) * 127.5).rounded() / 127.5 - 1
    let network = model(process, 0, 0.3)
    let full = bound(network, levels, key: RandomKey(seed: 4)).mean().scalar
    let estimates = (0..<20).map {
      bound.estimate(network, levels, key: RandomKey(seed: 10 + $0)).mean().scalar
    }
    let mean = estimates.reduce(0, +) / 20
    let deviation = (estimates.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 19).squareRoot()
    #expect(abs(mean - full) < 4 * deviation / 20.0.squareRoot() + 0.01, "\(mean), \(full)")
    let bits = VariationalBound.bitsPerDimension(Tensor(full), dimensions: 1).scalar
    // The entropy of a normal law of deviation 0.3, and one bit for each halving down to 2 / 255.
    let entropy = log2(0.3) + log2(2 * .pi * exp(1)) / 2 + log2(127.5)
    #expect(bits > entropy - 0.05 && bits < entropy + 0.15, "\(bits) bits, not \(entropy)")
  }

  /// A network that always sees one image.
  private struct Constant: Denoiser {
    typealias Condition = Nothing
    var image: Tensor

    func callAsFunction(
      _ x: Tensor, at time: Tensor, condition: Nothing?, _ phase: Phase
    ) -> Tensor { image.broadcast(to: x.shape) }

    mutating func visit(_ visitor: inout Visitor) { visitor("image", &image) }
  }

  @Test(arguments: [-1, -0.5, 0.1] as [Double])
  func `Weighted levels are a probability, in the ratio of weights where the law is flat`(
    centre: Double
  ) {
    let process = DiffusionProcess(NoiseSchedule(.linear), .clean)
    var variances = [Double](repeating: 1, count: process.count)
    variances[0] = 1e6
    let weights = [0.5, 0.1, 0.25, 0.15]
    let flat = VariationalBound(
      process, variance: .given(variances), decoder: .weightedLevels(weights))
    func probabilities(_ bound: VariationalBound) -> [Double] {
      let levels = Tensor((0..<4).map { Double($0) / 1.5 - 1 }, shape: [4, 1])
      let first = Tensor([Int32](repeating: 0, count: 4))
      return bound.term(
        Constant(image: Tensor([centre])), levels, noise: levels.zerosLike(), at: first
      ).doubles().map { exp(-$0) }
    }
    for (probability, weight) in zip(probabilities(flat), weights) {
      #expect(abs(probability - weight) < 1e-5)
    }
    variances[0] = 0.09
    let sharp = probabilities(
      VariationalBound(process, variance: .given(variances), decoder: .weightedLevels(weights)))
    let scores = weights.indices.map { k in
      let distance = (Double(k) / 1.5 - 1 - centre) / 0.3
      return weights[k] * exp(-distance * distance / 2)
    }
    for k in weights.indices {
      #expect(abs(sharp[k] - scores[k] / scores.reduce(0, +)) < 1e-5)
    }
  }

  @Test(arguments: [-1, -0.5, 0.1, 0.999, 1] as [Double])
  func `The decoder's levels are a probability, and far ones cost what they should`(
    centre: Double
  ) {
    let process = DiffusionProcess(NoiseSchedule(.linear), .clean)
    let bound = VariationalBound(process)
    let levels = Tensor((0..<256).map { Double($0) / 127.5 - 1 }, shape: [256, 1])
    let first = Tensor([Int32](repeating: 0, count: 256))
    let nats = bound.term(
      Constant(image: Tensor([centre])), levels, noise: levels.zerosLike(), at: first
    ).doubles()
    let sum = nats.map { exp(-$0) }.reduce(0, +)
    #expect(abs(sum - 1) < 1e-7, "\(sum)")
    // Nats rise with the distance from the centre, without end.
    let order = nats.indices.sorted {
      abs(Double($0) / 127.5 - 1 - centre) < abs(Double($1) / 127.5 - 1 - centre)
    }
    let far = order.suffix(200).map { nats[$0] }
    #expect(zip(far, far.dropFirst()).allSatisfy { $0 <= $1 + 1e-9 } || centre.magnitude < 0.9)
    #expect(far[199] > 1000)
  }
}

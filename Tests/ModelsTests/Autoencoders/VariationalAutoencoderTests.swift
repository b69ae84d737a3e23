import Foundation
import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

/// z ~ N(0, 1), x = 1.5 z + N(0, 0.5), whose log p(x) is known; q is off the posterior by a shift and a factor.
private struct LinearGaussian: LatentVariableModel {
  var shift: Tensor
  var logFactor: Tensor

  init(shift: Double, factor: Tensor) {
    self.shift = Tensor([shift], shape: [1])
    logFactor = factor.log()
  }

  func posterior(_ x: Tensor) -> DiagonalGaussian {
    // Precision 1 + 1.5² / 0.5 = 5.5, mean 1.5 x / 0.5 / 5.5.
    let mean = x * (3 / 5.5) + shift
    return DiagonalGaussian(
      mean: mean, logVariance: (Tensor([1 / 5.5]).log() + logFactor).broadcast(to: mean.shape))
  }

  func logLikelihood(of x: Tensor, given z: Tensor) -> Tensor {
    let noise = DiagonalGaussian(
      mean: z * 1.5, logVariance: Tensor([0.5]).log().broadcast(to: z.shape))
    return noise.logProbability(of: x)
  }

  mutating func visit(_ visitor: inout Visitor) {
    visitor("shift", &shift)
    visitor("log_factor", &logFactor)
  }
}

@Suite struct EvidenceLowerBoundTests {
  private let x = Tensor([1.0], shape: [1, 1])
  private let wrong = LinearGaussian(shift: 0.2, factor: Tensor([1.8]))
  /// log N(1; 0, 2.75).
  private let truth = -1.60656

  @Test func `the bound of a linear Gaussian model is its closed form`() {
    let many = x.broadcast(to: [400_000, 1])
    let terms = EvidenceLowerBound()(wrong, many, RandomKey(seed: 1))
    #expect(abs(terms.bound.mean().scalar - -1.82266) < 0.004)
    #expect(terms.bound.mean().scalar < truth)
    let heavy = EvidenceLowerBound(beta: 4)(wrong, many, RandomKey(seed: 1))
    let difference = terms.bound.mean().scalar - heavy.bound.mean().scalar
    #expect(abs(difference - 3 * terms.divergence.mean().scalar) < 1e-9)
  }

  @Test(arguments: [(1, -1.8239), (5, -1.6306), (50, -1.6081), (500, -1.6065)])
  func `importance weights close the gap from below`(_ draws: Int, _ expected: Double) {
    let count = 1_000_000 / draws
    let bound = EvidenceLowerBound.importanceWeighted(
      wrong, x.broadcast(to: [count, 1]), draws: draws, RandomKey(seed: 2)
    ).mean().scalar
    #expect(abs(bound - expected) < 0.004)
    #expect(bound < truth + 0.001)
  }

  @Test func `free nats are not paid for, and hold the gradient of a latent that has no more`() {
    let many = x.broadcast(to: [1000, 1])
    let plain = EvidenceLowerBound()(wrong, many, RandomKey(seed: 1))
    let divergence = plain.divergence.mean().scalar
    let less = EvidenceLowerBound(freeNats: divergence / 2)(wrong, many, RandomKey(seed: 1))
    #expect(abs(less.bound.mean().scalar - plain.bound.mean().scalar) < 1e-5)
    let more = EvidenceLowerBound(freeNats: divergence + 1)(wrong, many, RandomKey(seed: 1))
    #expect(abs(plain.bound.mean().scalar - more.bound.mean().scalar - 1) < 1e-5)
    let free = EvidenceLowerBound(freeNats: divergence + 1)
    let (_, slope) = valueAndGradient(at: wrong) { free($0, many, RandomKey(seed: 1)).bound.mean() }
    let (_, reconstruction) = valueAndGradient(at: wrong) {
      EvidenceLowerBound()($0, many, RandomKey(seed: 1)).reconstruction.mean()
    }
    #expect(abs(slope.shift.scalar - reconstruction.shift.scalar) < 1e-6)
  }

  @Test func `with the true posterior every draw gives log p exactly`() {
    let exact = LinearGaussian(shift: 0, factor: Tensor([1.0]))
    let five = x.broadcast(to: [5, 1])
    for draws in [1, 7] {
      let bounds = EvidenceLowerBound.importanceWeighted(
        exact, five, draws: draws, RandomKey(seed: 4))
      for bound in bounds.doubles() { #expect(abs(bound - truth) < 1e-5) }
      #expect(bounds.variance().scalar < 1e-24)
    }
  }
}

@Suite struct VariationalAutoencoderTests {
  @Test func `the model has the sizes and tensors of its configuration`() {
    let model = VariationalAutoencoder(.init(), key: RandomKey(seed: 0))
    // 1·32·16 + 32, 32·64·16 + 64, 3136·256 + 256, 256·32 + 32; 16·256 + 256, 256·3136 + 3136, 64·32·16 + 32, 32·16 + 1
    #expect(model.parameterCount == 844_672 + 843_617)
    #expect(forgottenTensors(in: model).isEmpty)
    let x = RandomKey(seed: 1).uniform([3, 28, 28, 1])
    let posterior = model.posterior(x)
    #expect(posterior.mean.shape == [3, 16])
    #expect(model.pictures(posterior.mean).shape == [3, 28, 28, 1])
    #expect(model.logLikelihood(of: x, given: posterior.mean).shape == [3])
  }

  @Test func `a Bernoulli likelihood is the logarithm of the pixels' probabilities`() {
    let model = VariationalAutoencoder(
      .init(size: 4, filters: [2], hidden: 8, latents: 3), key: RandomKey(seed: 0))
    let z = RandomKey(seed: 1).normal([2, 3])
    let x = RandomKey(seed: 2).bernoulli(0.5, [2, 4, 4, 1])
    let p = model.pictures(z).doubles()
    let expected = zip(x.doubles(), p).map { $0 > 0 ? log($1) : log(1 - $1) }
    let sums = (0..<2).map { expected[16 * $0..<16 * $0 + 16].reduce(0, +) }
    for (a, b) in zip(model.logLikelihood(of: x, given: z).doubles(), sums) {
      #expect(abs(a - b) < 1e-4)
    }
  }

  @Test func `a configuration is read as it was written`() throws {
    let configuration = VariationalAutoencoderConfiguration(output: .logistic(components: 4))
    let text = try JSONEncoder().encode(configuration)
    #expect(
      try JSONDecoder().decode(VariationalAutoencoderConfiguration.self, from: text)
        == configuration)
  }
}

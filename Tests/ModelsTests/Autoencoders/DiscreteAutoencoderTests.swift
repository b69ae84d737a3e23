import Foundation
import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

@Suite struct DiscreteAutoencoderTests {
  static let sizes = DiscreteAutoencoderConfiguration(
    channels: 3, width: 4, blocks: 1, codes: 11, start: 6)
  static let pictures = RandomKey(seed: 1).uniform([2, 16, 8, 3], in: 0..<255)

  @Test func `A picture becomes codes of an eighth of its size, and a picture again`() {
    let model = DiscreteAutoencoder(Self.sizes, key: RandomKey(seed: 2))
    #expect(forgottenTensors(in: model) == [])
    let codes = model.codes(of: Self.pictures)
    #expect(codes.shape == [2, 2, 1])
    let drawn = model.pictures(of: codes)
    #expect(drawn.shape == Self.pictures.shape)
    #expect(drawn.doubles().allSatisfy { (0...1).contains($0) })
  }

  @Test func `The divergence is 0 for uniform codes, and the logarithm of their number for one`() {
    #expect(abs(DiscreteAutoencoder.divergence(.zeros([1, 2, 2, 8192])).scalar) < 1e-4)
    let sure = Tensor.range(1).oneHot(8192).reshaped([1, 1, 1, 8192]) * 100
    #expect(abs(DiscreteAutoencoder.divergence(sure).scalar - log(8192)) < 1e-4)
  }

  @Test func `Relaxed draws are as frequent as their codes are likely`() {
    let logits = Tensor([0.5, -0.4, 1.2, 0] as [Float]).broadcast(to: [20_000, 1, 1, 4])
    let draws = DiscreteAutoencoder.relaxed(logits, temperature: Tensor(0.05), RandomKey(seed: 3))
    let counts = draws.argmax(-1).oneHot(4).sum([0, 1, 2]).doubles()
    let expected = logits.softmax(-1).sum([0, 1, 2]).doubles()
    let distance = zip(counts, expected).map { ($0 - $1) * ($0 - $1) / $1 }.reduce(0, +)
    #expect(distance < 16.3)  // χ² with 3 degrees of freedom: one in a thousand.
    #expect(abs(draws.sum([3]).mean().scalar - 1) < 1e-5)
  }

  @Test func `Gradients of the bound reach every tensor`() {
    var model = DiscreteAutoencoder(Self.sizes, key: RandomKey(seed: 4))
    let (loss, slopes) = valueAndGradient(updating: &model) { model in
      DiscreteBound().loss(model, Self.pictures, RandomKey(seed: 5))
    }
    #expect(loss.scalar.isFinite)
    #expect(slopes.tensors.allSatisfy { $0.abs().max().scalar > 0 })
  }

  /// The density of values between 0 and 1, of which the data's part is shifted and scaled.
  @Test func `The density of the logit-Laplace distribution adds up to 1, and draws follow it`() {
    let count = 40_000
    let x = (Tensor.range(count, .float64) + 0.5) / Double(count)
    let parameters = Tensor([0.4, -0.7]).broadcast(to: [count, 2])
    let logs = PixelDistribution.logitLaplace.logProbability(
      of: (x - 0.1) * (255 / 0.8), parameters)
    #expect(abs(logs.exp().mean().scalar - 1) < 1e-3)
    let draws = PixelDistribution.logitLaplace.sample(parameters, RandomKey(seed: 6))
    let expected = (logs.exp() * ((x - 0.1) / 0.8).clipped(to: 0...1)).mean().scalar
    #expect(abs((draws / 255).mean().scalar - expected) < 0.01)
    let mean = PixelDistribution.logitLaplace.mean(Tensor([0.4, -0.7]))
    #expect(abs(mean.scalar - (1 / (1 + exp(-0.4)) - 0.1) / 0.8) < 1e-6)
  }
}

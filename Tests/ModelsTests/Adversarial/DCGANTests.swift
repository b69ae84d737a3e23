import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

@Suite struct DCGANTests {
  private let key = RandomKey(seed: 3)
  private let small = DCGANConfiguration(size: 8, channels: 2, latents: 3, filters: [4, 6])

  @Test func `sizes and names are those of PyTorch's tutorial`() {
    let generator = DCGANGenerator(.init(), key: key)
    #expect(generator.parameterCount == 3_576_704)
    let weights = generator.leaves.filter { $0.tensor.rank == 4 }
    #expect(weights.map(\.name) == [0, 3, 6, 9, 12].map { "main.\($0).weight" })
    #expect(weights[0].tensor.shape == [100, 512, 4, 4])
    let discriminator = DCGANDiscriminator(.init(), key: key)
    #expect(discriminator.parameterCount == 2_765_568)
    let scored = discriminator.leaves.filter { $0.tensor.rank == 4 }
    #expect(scored.map(\.name) == [0, 2, 5, 8, 11].map { "main.\($0).weight" })
    #expect(scored[4].tensor.shape == [1, 512, 4, 4])
  }

  @Test(arguments: [(28, [4, 6]), (16, [3]), (32, [2, 3, 4])])
  func `pictures have the size that is asked for`(size: Int, filters: [Int]) {
    let sizes = DCGANConfiguration(size: size, channels: 1, latents: 5, filters: filters)
    var generator = DCGANGenerator(sizes, key: key)
    var discriminator = DCGANDiscriminator(sizes, key: key)
    let pictures = generator(key.normal([3, 5]), .inference)
    #expect(pictures.shape == [3, size, size, 1])
    #expect(pictures.abs().max().scalar <= 1)
    #expect(discriminator(pictures, .inference).shape == [3])
  }

  @Test func `gradients of both networks are those of differences`() {
    var sizes = small
    (sizes.classes, sizes.norm) = (3, .layer)
    let labels = Tensor([2, 0] as [Int32])
    checkGradient(of: DCGANGenerator(sizes, key: key).randomized(), at: normal([2, 3])) {
      (model: inout DCGANGenerator, z) in
      model(z, labels: labels, .training(key))
    }
    checkGradient(of: DCGANDiscriminator(sizes, key: key).randomized(), at: normal([2, 8, 8, 2])) {
      (model: inout DCGANDiscriminator, x) in
      model(x, labels: labels, .training(key))
    }
  }

  @Test func `a class changes the score by its product with the features, and the picture`() {
    var sizes = small
    sizes.classes = 3
    var generator = DCGANGenerator(sizes, key: key).randomized()
    var discriminator = DCGANDiscriminator(sizes, key: key).randomized()
    let z = key.normal([1, 3])
    let pictures = (0..<3).map { generator(z, labels: Tensor([Int32($0)]), .inference) }
    #expect(distance(pictures[0], pictures[1]) > 1e-3)
    let scores = (0..<3).map {
      discriminator(pictures[0], labels: Tensor([Int32($0)]), .inference).scalar
    }
    #expect(abs(scores[0] - scores[1]) > 1e-3 && abs(scores[1] - scores[2]) > 1e-3)
    // A linear function of the class's vector: its mean over classes is the score of the mean vector.
    var mean = discriminator
    let table = mean.leaves.firstIndex { $0.name.hasPrefix("projection") }!
    var tensors = mean.tensors
    tensors[table] = tensors[table].mean([0], keepsAxes: true).broadcast(to: tensors[table].shape)
    mean.replaceTensors(tensors)
    let expected = mean(pictures[0], labels: Tensor([0] as [Int32]), .inference).scalar
    let difference = scores.reduce(0, +) / 3 - expected
    #expect(abs(difference) < 1e-4 * max(1, abs(expected)))
  }

  @Test func `with a norm of each picture no score depends on another picture`() {
    var sizes = small
    sizes.norm = .layer
    var critic = DCGANDiscriminator(sizes, key: key).randomized()
    let x = Tensor(Alias("x"), [key.normal([3, 8, 8, 2])])
    let score = critic(x, .training(key)).element(0, 1)
    let slope = gradients(of: [score], seeds: [Tensor(1)], by: [x])[0]!.evaluated()
    #expect(slope.element(0, 0).abs().max().scalar == 0)
    #expect(slope.element(0, 2).abs().max().scalar == 0)
    #expect(slope.element(0, 1).abs().max().scalar > 0)
  }

  @Test(arguments: [DCGANConfiguration.Norm.batch, .layer, .none], [false, true])
  func `visit forgets nothing`(norm: DCGANConfiguration.Norm, spectral: Bool) {
    var sizes = small
    (sizes.norm, sizes.spectral, sizes.classes) = (norm, spectral, 4)
    #expect(forgottenTensors(in: DCGANGenerator(sizes, key: key)) == [])
    let discriminator = DCGANDiscriminator(sizes, key: key)
    #expect(forgottenTensors(in: discriminator) == [])
    #expect(discriminator.leaves.contains { $0.name.hasSuffix("weight_u") } == spectral)
  }
}

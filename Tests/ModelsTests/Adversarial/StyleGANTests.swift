import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

@Suite struct StyleGANTests {
  private let key = RandomKey(seed: 4)
  private let small = StyleGANConfiguration(
    size: 8, channels: 2, latents: 5, styleWidth: 6, mappingLayers: 2, widths: [4, 3])

  @Test func `demodulated outputs of inputs of variance 1 have variance 1`() {
    let layer = ModulatedConvolution(
      inputs: 24, outputs: 16, kernel: 3, styleWidth: 8, key: key.fork(0))
    let x = key.fork(1).normal([4, 40, 40, 24])
    for size in [0.01, 1, 100] {
      let scales = key.fork(2).normal([4, 24], deviation: size)
      let y = layer(x, scales: scales).sliced(1, 1..<39).sliced(2, 1..<39)
      let variances = y.variance([1, 2]).doubles()
      #expect(variances.allSatisfy { abs($0 - 1) < 0.2 }, "\(size): \(variances)")
      let mean = variances.reduce(0, +) / Double(variances.count)
      #expect(abs(mean - 1) < 0.02)
    }
  }

  @Test func `a modulated convolution is one with modulated and demodulated weights`() {
    let layer = ModulatedConvolution(
      inputs: 3, outputs: 5, kernel: 3, styleWidth: 4, key: key.fork(0)
    ).inDoublePrecision()
    let (x, style) = (normal([2, 6, 6, 3], 1), normal([2, 4], 2))
    let y = layer(x, style: style)
    let scales = layer.affine(style)
    for picture in 0..<2 {
      let own = scales.element(0, picture).reshaped([1, 3, 1, 1])
      let weight = layer.weight * own
      let norm = (weight.square().sum([1, 2, 3], keepsAxes: true) + 1e-8).sqrt()
      let expected = convolution(
        x.sliced(0, picture..<picture + 1), weight / norm, padding: .symmetric([1]))
      #expect(distance(y.sliced(0, picture..<picture + 1), expected) < 1e-12)
    }
  }

  @Test func `gradients are those of differences`() {
    let generator = StyleGenerator(small, key: key).randomized()
    checkGradient(of: generator, at: normal([2, 5])) { (generator: inout StyleGenerator, z) in
      let styles = generator.styles(of: z, .inference)
      return generator.pictures(styles, .training(key))
    }
    let discriminator = StyleDiscriminator(small, key: key).randomized()
    checkGradient(of: discriminator, at: normal([4, 8, 8, 2])) { critic, x in
      critic(x, .training(key))
    }
  }

  @Test func `the deviation of a batch is that of groups, and 0 where all are alike`() {
    let x = normal([6, 2, 2, 3])
    let y = withBatchDeviation(x, group: 3)
    #expect(y.shape == [6, 2, 2, 4])
    let values = x.reshaped([3, 2, 12]).doubles()
    for group in 0..<2 {
      var sum = 0.0
      for i in 0..<12 {
        let column = (0..<3).map { values[$0 * 24 + group * 12 + i] }
        let mean = column.reduce(0, +) / 3
        sum += (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3 + 1e-8).squareRoot()
      }
      for member in [group, group + 2, group + 4] {
        let found = y.element(0, member).element(2, 3).mean().scalar
        #expect(abs(found - sum / 12) < 1e-12)
      }
    }
    let alike = x.sliced(0, 0..<1).broadcast(to: x.shape)
    let least = withBatchDeviation(alike).element(3, 3).max().scalar
    #expect(abs(least - 1e-4) < 1e-12)
    // Five examples have no group of four: each stands alone.
    let single = withBatchDeviation(x.sliced(0, 0..<5)).element(3, 3).max().scalar
    #expect(single < 1.01e-4)
  }

  @Test func `styles are mixed, truncated and averaged as they should`() {
    var generator = StyleGenerator(small, key: key)
    let a = generator.styles(of: key.fork(1).normal([3, 5]), .inference).evaluated()
    let b = generator.styles(of: key.fork(2).normal([3, 5]), .inference).evaluated()
    #expect(a.shape == [3, 4, 6])
    let mixed = generator.mixed(a, b, crossover: Tensor([0, 2, 4] as [Int32]))
    #expect(distance(mixed.element(0, 0), b.element(0, 0)) == 0)
    let halves = concatenate([
      a.element(0, 1).sliced(0, 0..<2), b.element(0, 1).sliced(0, 2..<4),
    ])
    #expect(distance(mixed.element(0, 1), halves) == 0)
    #expect(distance(mixed.element(0, 2), a.element(0, 2)) == 0)
    let z = key.fork(3).normal([50, 5])
    let mean = generator.styles(of: z, .inference).element(1, 0).mean([0]).evaluated()
    for _ in 0..<10 { _ = generator.styles(of: z, .training(key)) }
    let share = 1 - (0..<10).reduce(1.0) { kept, _ in kept * 0.998 }
    #expect(distance(generator.mapping.average, mean * share) < 1e-5)
    #expect(distance(generator.truncated(a, to: 1), a) < 1e-6)
    let middle = generator.truncated(a, to: 0).element(0, 2).element(0, 1)
    #expect(distance(middle, generator.mapping.average) == 0)
  }

  @Test func `fine styles do not change what coarse levels draw`() {
    let generator = StyleGenerator(small, key: key).randomized()
    let styles = Tensor(Alias("styles"), [normal([1, 4, 6]).cast(to: .float32)])
    // Features of the first level depend on its own convolution's style alone.
    let level = generator.levels[0]
    let each = (0..<2).map { styles.element(1, $0) }
    let start = level.start!.expanded(0)
    let features = level.conv1.convolution(start, style: each[0])
    let slope = gradients(of: [features.sum()], seeds: [Tensor(1)], by: [styles])[0]!
    #expect(slope.element(1, 1).abs().max().scalar == 0)
    #expect(slope.element(1, 0).abs().max().scalar > 0)
  }

  @Test func `noise is the same in inference, new in training, and adds with its strength`() {
    var generator = StyleGenerator(small, key: key)
    let styles = generator.styles(of: key.normal([2, 5]), .inference).evaluated()
    func pictures(_ seed: UInt64?) -> Tensor {
      generator.pictures(styles, seed.map { .training(RandomKey(seed: $0)) } ?? .inference)
        .evaluated()
    }
    #expect(distance(pictures(1), pictures(2)) == 0)
    generator.levels[1].conv1.noiseStrength = Tensor(0.5)
    #expect(distance(pictures(1), pictures(2)) > 1e-3)
    #expect(distance(pictures(nil), pictures(nil)) == 0)
  }

  @Test func `names are those of the authors' code, and visit forgets nothing`() {
    let generator = StyleGenerator(small, key: key)
    let names = generator.leaves.map(\.name)
    for name in [
      "mapping.fc0.weight", "mapping.w_avg", "synthesis.b4.const", "synthesis.b4.conv1.weight",
      "synthesis.b8.conv0.affine.bias", "synthesis.b8.conv1.noise_const",
      "synthesis.b8.conv1.noise_strength", "synthesis.b8.torgb.weight", "synthesis.b8.torgb.bias",
    ] { #expect(names.contains(name), "\(name)") }
    #expect(!names.contains("synthesis.b4.conv0.weight"))
    #expect(forgottenTensors(in: generator) == [])
    let discriminator = StyleDiscriminator(small, key: key)
    #expect(discriminator.leaves.map(\.name).contains("b8.skip.weight"))
    #expect(discriminator.leaves.map(\.name).contains("b4.out.bias"))
    #expect(forgottenTensors(in: discriminator) == [])
  }
}

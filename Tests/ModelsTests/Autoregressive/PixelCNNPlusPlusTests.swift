import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

@Suite struct PixelCNNPlusPlusTests {
  @Test func `the 256 values of a known mixture have probability 1`() {
    let mixture = LogisticMixture(components: 2)
    let p = [0.3, 0.7]
    let row = Tensor(p, shape: [1, 2]).log().doubles() + [-0.98, 0.1, -4, -2]
    let values = Tensor((0..<256).map(Double.init), shape: [256, 1])
    let parameters = Tensor(row, shape: [1, 6]).broadcast(to: [256, 6])
    let logs = mixture.logProbability(of: values, parameters)
    #expect(abs(logs.exp().sum().scalar - 1) < 1e-14)
    let logits = mixture.logits(of: values.sliced(0, 0..<1), Tensor(row, shape: [1, 6]))
    #expect((logits.reshaped([256]) - logs).abs().max().scalar < 1e-12)
  }

  @Test(arguments: [2, 8])
  func `three colours have probability 1 together, and later ones follow earlier ones`(
    levels: Int
  ) {
    let mixture = LogisticMixture(components: 3, colors: 3, levels: levels)
    let count = levels * levels * levels
    let parameters = hashNoise(1, [1, mixture.parameterCount], scale: 2)
    let all = allSequences(levels, length: 3)
    let logs = mixture.logProbability(of: all, parameters.broadcast(to: [count, 30]))
    #expect(abs(logs.exp().sum().scalar - 1) < 1e-13)
    // The chain of conditional distributions gives the same.
    let chain = mixture.logits(of: all, parameters.broadcast(to: [count, 30])).logSoftmax()
    let taken = chain.takeAlong(2, all.expanded(2)).squeezed(2).sum([1])
    #expect((taken - logs).abs().max().scalar < 1e-12)
  }

  @Test(arguments: [0.0, 1, 2, 254, 255])
  func `the gradient at the edges is that of differences`(value: Double) {
    let mixture = LogisticMixture(components: 2)
    let x = Tensor([value], shape: [1, 1])
    checkGradient(
      of: Pair(Tensor([0.2, -0.3, -0.98, 0.99, -4, -2], shape: [1, 6]), Nothing()), at: x
    ) { pair, x in mixture.logProbability(of: x, pair.first) }
  }

  @Test func `draws of three colours have their frequencies`() {
    let mixture = LogisticMixture(components: 2, colors: 3, levels: 3)
    let parameters = hashNoise(1, [1, mixture.parameterCount]).cast(to: .float32)
    let draws = mixture.sample(
      parameters.broadcast(to: [20_000, mixture.parameterCount]), RandomKey(seed: 4))
    let p = mixture.logProbability(
      of: allSequences(3, length: 3), parameters.broadcast(to: [27, mixture.parameterCount])
    ).exp().doubles()
    var counts = [Double](repeating: 0, count: 27)
    let values = draws.integers()
    for i in 0..<20_000 {
      counts[values[3 * i] + 3 * values[3 * i + 1] + 9 * values[3 * i + 2]] += 1
    }
    // Clipping moves the tails beyond the range into its ends, where the distribution has them.
    let statistic = zip(p, counts).map { p, seen in
      (seen - 20_000 * p) * (seen - 20_000 * p) / max(20_000 * p, 1)
    }.reduce(0, +)
    #expect(statistic < 27 + 5 * (2 * 27.0).squareRoot())
  }

  private func model(
    height: Int, width: Int, colors: Int = 1, levels: Int, resolutions: Int
  ) -> PixelCNNPlusPlus {
    let configuration = PixelCNNPlusPlusConfiguration(
      height: height, width: width,
      mixture: .init(components: 2, colors: colors, levels: levels), filters: 4, layers: 1,
      resolutions: resolutions)
    var model = PixelCNNPlusPlus(configuration, key: RandomKey(seed: 1))
    let examples = RandomKey(seed: 2).integers(below: levels, [8, height, width, colors])
    model.initialize(by: examples)
    return model
  }

  @Test func `probabilities of all pictures add up to 1`() {
    checkSymbolModel(model(height: 2, width: 4, levels: 2, resolutions: 2), length: 8)
    checkSymbolModel(
      model(height: 2, width: 1, colors: 3, levels: 3, resolutions: 1), length: 6)
  }

  @Test func `logits keep their bits at three resolutions, and see every earlier pixel`() {
    let model = model(height: 8, width: 8, levels: 5, resolutions: 3)
    checkCausality(model, length: 64, batch: 2)
    let zeros = Tensor.zeros([1, 64], .int32)
    let double = model.inDoublePrecision()
    let base = double.logits(of: zeros).doubles()
    for input in [0, 7, 30, 62] {
      let changed =
        Tensor.range(64).equal(to: Double(input)).cast(to: .int32).expanded(0)
        * Tensor.fill(integer: 4, [1, 64], .int32)
      let other = double.logits(of: changed).doubles()
      let seen = (0..<64).filter { output in
        (0..<5).contains { base[output * 5 + $0] != other[output * 5 + $0] }
      }
      #expect(seen.allSatisfy { $0 > input })
      // The next pixel, and everything in the rows below.
      #expect(input % 8 == 7 || seen.contains(input + 1))
      #expect(seen.filter { $0 / 8 > input / 8 + 1 }.count == max(0, 64 - (input / 8 + 2) * 8))
    }
  }

  @Test(arguments: [1, 2, 3])
  func `draws from remembered rows are those of whole pictures, bit for bit`(resolutions: Int) {
    let model = model(height: 8, width: 4, colors: 3, levels: 256, resolutions: resolutions)
    let key = RandomKey(seed: 5)
    let rows = PictureSampler.draw(model, count: 3, key)
    #expect(rows.integers() == naiveDraws(of: model, count: 3, key).integers())
    let whole = model.parameters(of: rows)
    var memory: [String: Tensor] = [:]
    for y in 0..<8 {
      let row = model.parameters(ofRow: rows.sliced(1, y..<y + 1), number: y, &memory)
      #expect(row.doubles() == whole.sliced(1, y..<y + 1).doubles(), "row \(y)")
    }
  }

  @Test func `the first values make outputs of mean 0 and deviation 1`() {
    let key = RandomKey(seed: 3)
    var model = PixelCNNPlusPlus(
      .init(height: 8, width: 8, mixture: .init(components: 3), filters: 8, layers: 2),
      key: RandomKey(seed: 1))
    let examples = key.integers(below: 256, [16, 8, 8, 1])
    model.initialize(by: examples)
    let parameters = model.parameters(of: examples)
    #expect(abs(parameters.mean().scalar) < 1e-4)
    #expect((parameters.variance([0, 1, 2]).sqrt() - 0.1).abs().max().scalar < 1e-3)
    #expect(forgottenTensors(in: model) == [])
  }
}

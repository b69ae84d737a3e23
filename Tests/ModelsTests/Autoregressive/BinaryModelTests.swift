import Layers
import Models
import Objectives
import Samplers
import Tensors
import TestSupport
import Testing

@Suite struct BinaryModelTests {
  private let alternating = Tensor((0..<10).map { Double($0 % 2) }, shape: [1, 10])

  /// −Σ p log p over all states.
  private func entropy<Model: SymbolModel>(_ model: Model, length: Int) -> Double {
    let logs = model.logProbability(of: allSequences(model.alphabet, length: length))
    return -(logs * logs.exp()).sum().scalar
  }

  private var smallNet: FVSBN {
    FVSBN(
      weight: hashNoise(0, [10, 10], scale: 2), bias: hashNoise(1, [10], scale: 0.5))
  }

  private var smallNADE: NADE {
    NADE(
      input: hashNoise(0, [10, 6], scale: 1.4), output: hashNoise(1, [10, 6], scale: 1.4),
      bias: hashNoise(2, [10], scale: 0.5), hiddenBias: hashNoise(3, [6], scale: 0.5))
  }

  @Test func `a sigmoid belief net has its known likelihood and entropy`() {
    #expect(abs(smallNet.logProbability(of: alternating).scalar + 6.070134582) < 1e-9)
    #expect(abs(entropy(smallNet, length: 10) - 5.532426777) < 1e-9)
    checkSymbolModel(smallNet.mapTensors { $0.cast(to: .float32) }, length: 10)
  }

  @Test func `a NADE has its known likelihood and entropy`() {
    #expect(abs(smallNADE.logProbability(of: alternating).scalar + 6.418103004) < 1e-9)
    #expect(abs(entropy(smallNADE, length: 10) - 5.290889695) < 1e-9)
  }

  @Test(arguments: [1, 2, 7, 10])
  func `probabilities of a NADE add up to 1, and logits keep their bits`(length: Int) {
    let model = NADE(.init(length: length, hidden: 5), key: RandomKey(seed: 1)).randomized()
    checkSymbolModel(model, length: length)
  }

  @Test func `a NADE's blocks equal its recurrence and the cumulative sum, gradients too`() {
    let model = smallNADE
    let x = RandomKey(seed: 2).bernoulli(0.5, [4, 10]).cast(to: .float64)
    let blocks = valueAndGradient(at: model) { $0.logProbability(of: x).sum() }
    let steps = valueAndGradient(at: model) {
      (x * $0.steppedLogits(of: x.cast(to: .int32)).element(2, 1)
        - $0.steppedLogits(of: x.cast(to: .int32)).element(2, 1).softplus()).sum()
    }
    let dense = valueAndGradient(at: model) { model in
      let sums = (x.expanded(2) * model.input).cumulativeSum(1, exclusive: true) + model.hiddenBias
      let logits = (sums.sigmoid() * model.output).sum([2]) + model.bias
      return (x * logits - logits.softplus()).sum()
    }
    for other in [steps, dense] {
      #expect(abs(other.value.scalar - blocks.value.scalar) < 1e-12)
      for (a, b) in zip(other.gradient.tensors, blocks.gradient.tensors) {
        #expect((a - b).abs().max().scalar < 1e-12)
      }
    }
  }

  @Test(arguments: [
    MADEConfiguration(length: 10, hidden: [7], orders: 3),
    MADEConfiguration(length: 9, hidden: [20, 5], orders: 2, isDirect: false, seed: 4),
    MADEConfiguration(length: 2, hidden: [3]), MADEConfiguration(length: 1, hidden: [2]),
    MADEConfiguration(length: 6, hidden: []),
  ])
  func `a MADE in any of its orders is a distribution`(configuration: MADEConfiguration) {
    var model = MADE(configuration, key: RandomKey(seed: 1)).randomized()
    for number in 0..<configuration.orders {
      model.chosen = number
      checkSymbolModel(model, length: configuration.length)
      let x = RandomKey(seed: 9).bernoulli(0.5, [2, configuration.length]).cast(to: .float32)
      let same = model.onLogits(of: x, order: Tensor.fill(integer: Int64(number), [], .int32))
      #expect(same.doubles() == model.onLogits(of: x).doubles())
    }
    let double = model.inDoublePrecision()
    let all = allSequences(2, length: configuration.length)
    #expect(abs(double.mixtureLogProbability(of: all).exp().sum().scalar - 1) < 1e-11)
  }

  @Test func `the last pixel of a MADE sees every earlier one`() {
    let configuration = MADEConfiguration(
      length: 8, hidden: [30, 30], orders: 2, isDirect: false, seed: 3)
    var model = MADE(configuration, key: RandomKey(seed: 1))
    model.layers = model.layers.map { layer in
      Linear(weight: layer.weight.abs() + 0.1, bias: layer.bias)
    }
    model.chosen = 1
    let order = model.orders[1]
    for i in 0..<8 {
      let slope = valueAndGradient(at: Tensor.ones([1, 8])) {
        model.onLogits(of: $0).element(1, order[i]).sum()
      }.gradient.doubles()
      for j in 0..<8 { #expect((slope[order[j]] != 0) == (j < i), "\(i) by \(j)") }
    }
  }

  @Test func `an EoNADE is a distribution in every order, and knows its pixels from its mask`() {
    let configuration = EoNADEConfiguration(length: 7, hidden: [6, 5], orders: 3, seed: 8)
    var model = EoNADE(configuration, key: RandomKey(seed: 1)).randomized()
    for number in 0..<3 {
      model.chosen = number
      checkSymbolModel(model, length: 7)
      // The recurrence gives what the network says with the mask of the pixels before.
      let x = RandomKey(seed: 9).bernoulli(0.5, [2, 7]).cast(to: .float32)
      let (logits, order) = (model.onLogits(of: x), model.orders[number])
      for (step, place) in order.enumerated() {
        let seen = Tensor(order.inverse.map { $0 < step ? Float(1) : 0 }).broadcast(to: [2, 7])
        let expected = model.onLogits(of: x, seen: seen).element(1, place)
        #expect((expected - logits.element(1, place)).abs().max().scalar < 1e-4)
      }
    }
  }

  @Test func `the order-agnostic estimate is the mean over all 720 orders`() {
    let configuration = EoNADEConfiguration(length: 6, hidden: [5])
    let model = EoNADE(configuration, key: RandomKey(seed: 1)).randomized().inDoublePrecision()
    let x = Tensor([1.0, 0, 0, 1, 1, 0], shape: [1, 6])
    // Every set of seen pixels, by its size as likely as in a random place of a random order.
    let sets = allSequences(2, length: 6).cast(to: .float64).sliced(0, 0..<63)
    let sizes = sets.sum([1]).integers()
    let costs = OrderAgnostic.loss(
      model, x.broadcast(to: [63, 6]), seen: sets.greater(than: 0.5)
    ).doubles()
    let choices = [1.0, 6, 15, 20, 15, 6]
    let mean = zip(costs, sizes).map { $0 / choices[$1] / 6 }.reduce(0, +)
    // −log p(x) in each order: the sum over steps of the cost of the next pixel given the set before.
    let all = model.onLogits(of: x.broadcast(to: [63, 6]), seen: sets)
    let pixelCosts = (all.softplus() - x * all).doubles()
    func number(_ set: [Int]) -> Int { set.reduce(0) { $0 + 1 << $1 } }
    var (sum, count) = (0.0, 0)
    func visit(_ order: [Int], _ cost: Double) {
      if order.count == 6 {
        (sum, count) = (sum + cost, count + 1)
        return
      }
      for next in 0..<6 where !order.contains(next) {
        visit(order + [next], cost + pixelCosts[number(order) * 6 + next])
      }
    }
    visit([], 0)
    #expect(count == 720)
    #expect(abs(sum / 720 - mean) < 1e-10)
  }

  @Test func `random masks estimate the mean over orders`() {
    let model = EoNADE(.init(length: 6, hidden: [5]), key: RandomKey(seed: 1)).randomized()
    let x = Tensor([1, 0, 0, 1, 1, 0] as [Float], shape: [1, 6]).broadcast(to: [40_000, 6])
    let drawn = OrderAgnostic.loss(model, x, RandomKey(seed: 4))
    let sets = allSequences(2, length: 6).cast(to: .float32).sliced(0, 0..<63)
    let costs = OrderAgnostic.loss(
      model, x.sliced(0, 0..<63), seen: sets.greater(than: 0.5)
    ).doubles()
    let choices = [1.0, 6, 15, 20, 15, 6]
    let mean = zip(costs, sets.sum([1]).integers()).map { $0 / choices[$1] / 6 }.reduce(0, +)
    let error = (drawn.variance().scalar / 40_000).squareRoot()
    #expect(abs(drawn.mean().scalar - mean) < 5 * error)
  }

  @Test func `draws have the models' frequencies, and the quick ones are the slow ones`() {
    let sampler = SymbolSampler()
    let key = RandomKey(seed: 6)
    let net = FVSBN(weight: hashNoise(0, [3, 3], scale: 2), bias: hashNoise(1, [3]))
    checkDraws(of: net, sampler(net, count: 20_000, key))
    var made = MADE(.init(length: 4, hidden: [6], orders: 2, seed: 5), key: key).randomized()
    made.chosen = 1
    checkDraws(of: made, sampler(made, count: 20_000, key))
    let nade = NADE(.init(length: 4, hidden: 3), key: key).randomized()
    checkDraws(of: nade, sampler(nade, count: 20_000, key))
    #expect(
      sampler(nade, count: 50, key).integers() == slowDraws(of: nade, count: 50, key).integers())
    var eonade = EoNADE(.init(length: 5, hidden: [4, 4], orders: 2), key: key).randomized()
    eonade.chosen = 1
    #expect(
      sampler(eonade, count: 50, key).integers()
        == slowDraws(of: eonade, count: 50, key).integers())
  }

  @Test func `visit forgets nothing and names what is saved`() {
    let key = RandomKey(seed: 1)
    let means = Tensor([Float](repeating: 0.5, count: 784))
    let net = FVSBN(means: means)
    #expect(net.leaves.map(\.name) == ["weight", "bias"])
    let nade = NADE(.init(length: 784, hidden: 500), key: key)
    #expect(nade.parameterCount == 785_284)
    let made = MADE(.init(length: 784, hidden: [500]), key: key)
    #expect(made.parameterCount == 2 * 784 * 500 + 500 + 784 + 784 * 784)
    #expect(forgottenTensors(in: made) == [])
    let eonade = EoNADE(.init(length: 784, hidden: [5, 5]), key: key)
    #expect(forgottenTensors(in: Pair(eonade, nade)) == [])
  }
}

/// Draws by computing everything again for each place.
private func slowDraws<Model: SymbolModel>(
  of model: Model, count: Int, _ key: RandomKey
) -> Tensor {
  SymbolSampler()(model, count: count, key)
}

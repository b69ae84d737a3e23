import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct ConvolutionalNetworkTests {
  static let key = RandomKey(seed: 1)

  /// A small one of every kind of block.
  static func efficientNet(dropout: Double = 0, depth: Double = 0) -> EfficientNet {
    typealias Row = EfficientNetConfiguration.Row
    var sizes = EfficientNetConfiguration.scaled(
      .init(),
      rows: [
        Row(1, kernel: 3, stride: 1, 8, layers: 2, isFused: true, squeezes: false),
        Row(2, kernel: 3, stride: 2, 8, layers: 1, isFused: true),
        Row(1, kernel: 5, stride: 1, 16, layers: 1), Row(2, kernel: 3, stride: 1, 16, layers: 2),
      ])
    (sizes.head, sizes.classes) = (16, 3)
    (sizes.dropout, sizes.stochasticDepth) = (dropout, depth)
    return EfficientNet(sizes, key: key)
  }

  static func denseNet() -> DenseNet {
    var sizes = DenseNetConfiguration(growth: 4, layers: [2, 1], stem: [4, 6, 8])
    sizes.classes = 3
    return DenseNet(sizes, key: key)
  }

  static func resNet(depth: Double = 0) -> ResNet {
    var sizes = ResNetConfiguration(
      block: .bottleneck, layers: [1, 2], widths: [4, 8],
      stem: .init(channels: 8, kernel: 3, before: [4, 4], poolsByConvolution: true), classes: 3)
    (sizes.shortcut.averages, sizes.stochasticDepth) = (true, depth)
    return ResNet(sizes, key: key)
  }

  @Test func `Networks name all their tensors`() {
    #expect(forgottenTensors(in: Self.efficientNet()) == [])
    #expect(forgottenTensors(in: Self.denseNet()) == [])
    #expect(forgottenTensors(in: Self.resNet()) == [])
    #expect(forgottenTensors(in: AlexNet(.oneColumn, key: Self.key)) == [])
    #expect(forgottenTensors(in: GoogLeNet(.googLeNet, key: Self.key)) == [])
    #expect(forgottenTensors(in: InceptionV3(.init(), key: Self.key)) == [])
  }

  @Test func `AlexNet of the paper has as many parameters as its layers add up to`() {
    let model = AlexNet(.paper, key: Self.key)
    #expect(model.parameterCount == 60_965_224)
    #expect(model.configuration.smallestPicture == 63)
  }

  @Test func `Without weights squeeze and excitation halves all channels`() {
    let layer = SqueezeExcitation(channels: 4, squeezed: 2, activation: .silu, key: Self.key)
      .mapTensors { $0.zerosLike() }
    let x = Self.key.normal([2, 3, 3, 4])
    #expect(distance(layer(x), x * 0.5) < 1e-6)
  }

  /// Blocks are left out by whole examples, and what is left counts for those left out.
  @Test func `Stochastic depth acts in training and keeps the mean`() {
    let branch = StochasticDepth(0.25)
    let x = Tensor.ones([4000, 2, 1])
    let y = branch(x, .training(Self.key)).reshaped([4000, 2]).doubles()
    #expect(stride(from: 0, to: y.count, by: 2).allSatisfy { y[$0] == y[$0 + 1] })
    let (mean, error) = (y.reduce(0, +) / 8000, (0.25 / 0.75 / 4000).squareRoot())
    #expect(abs(mean - 1) < 3 * error)
    let pictures = Self.key.fork(1).normal([8, 16, 16, 3])
    func differs(_ model: some Layer) -> Bool {
      var (a, b) = (model, model)
      return distance(
        a(pictures, .training(Self.key)), b(pictures, .training(Self.key.fork(9)))) > 1e-6
    }
    #expect(differs(Self.efficientNet(depth: 0.5)) && !differs(Self.efficientNet()))
    #expect(differs(Self.resNet(depth: 0.5)) && !differs(Self.resNet()))
  }

  /// With the last weights of a layer gone, later layers see nothing of it.
  @Test func `Every layer of a dense block sees the channels of those before it`() {
    var model = Self.denseNet()
    let x = Self.key.fork(1).normal([1, 32, 32, 3])
    #expect(model.blocks[0][1].norm1.weight?.shape == [12])
    #expect(model.transitions[0].conv.weight.shape == [8, 16, 1, 1])
    let whole = model.map(x, .inference)
    model.blocks[0][0].conv2.weight = model.blocks[0][0].conv2.weight.zerosLike()
    let without = model.map(x, .inference)
    model.blocks[0][0].conv1.weight = model.blocks[0][0].conv1.weight * 3
    #expect(distance(whole, without) > 1e-3)
    #expect(distance(model.map(x, .inference), without) == 0)
  }

  /// Dilation keeps what a stride would throw away: every other pixel is the same.
  @Test func `A dilated stage computes a strided one's pixels and those between them`() {
    var sizes = ResNetConfiguration(block: .basic, layers: [1, 1], widths: [4, 4], classes: 3)
    var strided = ResNet(sizes, key: Self.key)
    sizes.dilatedStages = [1]
    var dilated = ResNet(sizes, key: Self.key)
    let x = Self.key.fork(1).normal([1, 32, 32, 3])
    let inner = dilated.maps(x, .inference)
    #expect(inner[2].shape == [1, 8, 8, 4])
    #expect(strided.maps(x, .inference)[2].shape == [1, 4, 4, 4])
    let first = dilated.stages[1][0].conv1(inner[1], .inference)
    let coarse = strided.stages[1][0].conv1(inner[1], .inference)
    #expect(distance(first.strided(1, by: 2).strided(2, by: 2), coarse) < 1e-5)
  }
}

import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct FlorenceTests {
  static let sizes: FlorenceConfiguration = {
    var vision = SwinConfiguration(width: 8, layers: [1, 2], heads: [2, 4], window: [4, 4])
    vision.embedding = .convolutions
    let text = CLIPTextConfiguration(
      vocabulary: 11, context: 6, width: 8, layers: 2, heads: 2, inner: 16)
    return FlorenceConfiguration(vision: vision, text: text, width: 5)
  }()

  @Test func `Convolutions make tokens of neighbours, and all tensors are named and trained`() {
    var model = Florence(Self.sizes, key: RandomKey(seed: 1))
    #expect(forgottenTensors(in: model) == [])
    #expect(model.vision.stages[0].embedding?.convolution.weight.shape == [8, 3, 7, 7])
    #expect(model.vision.stages[1].embedding?.convolution.weight.shape == [16, 8, 3, 3])
    let pictures = RandomKey(seed: 2).normal([3, 32, 32, 3])
    #expect(model.vision.map(pictures, .inference).shape == [3, 4, 4, 16])
    let texts = Tensor([1, 2, 10, 3, 9, 10, 4, 10, 5] as [Int32], shape: [3, 3])
    let (_, slopes) = valueAndGradient(updating: &model) { model in
      let logits = model.logits(
        pictures: model.directions(pictures: pictures, .inference),
        texts: model.directions(texts: texts, .inference))
      return crossEntropy(logits, Tensor([0, 1, 2] as [Int32]))
    }
    let reached = slopes.leaves.filter { $0.tensor.abs().max().scalar > 0 }.map(\.name)
    #expect(reached.contains("vision.layers.0.embed.conv.weight"))
    #expect(reached.contains("logit_scale"))
  }

  @Test func `Directions have the length 1`() {
    let model = Florence(Self.sizes, key: RandomKey(seed: 3))
    let pictures = model.directions(
      pictures: RandomKey(seed: 4).normal([2, 32, 32, 3]), .inference)
    #expect(pictures.square().sum([1]).doubles().allSatisfy { abs($0 - 1) < 1e-5 })
    #expect(model.logScale.exp().scalar > 2.718)
  }
}

@Suite struct SmallResNetTests {
  @Test(arguments: [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)])
  func `Networks for CIFAR have the parameters of He's`(_ layers: Int, _ count: Int) {
    #expect(ResNet(.cifar(layers: layers), key: RandomKey(seed: 5)).parameterCount == count)
  }

  @Test func `Shortcuts without parameters leave pixels out and fill channels with zeros`() {
    var sizes = ResNetConfiguration.cifar(layers: 8)
    (sizes.zeroInitialResiduals, sizes.classes) = (true, 0)
    var model = ResNet(sizes, key: RandomKey(seed: 6))
    let x = RandomKey(seed: 7).normal([2, 8, 8, 3])
    // All branches are 0: what comes out are the means of every fourth pixel's 16 channels.
    let features = model(x, .inference)
    #expect(features.shape == [2, 64])
    #expect(features.sliced(1, 16..<64).abs().max().scalar == 0)
    #expect(features.sliced(1, 0..<16).abs().max().scalar > 0)
  }
}

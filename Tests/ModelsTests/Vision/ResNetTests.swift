import Checkpoints
import Layers
import Models
import Optimizers
import Tensors
import TestSupport
import Testing

@Suite struct ResNetTests {
  static let key = RandomKey(seed: 1)

  @Test(arguments: [
    (ResNetConfiguration.resnet18, 11_689_512), (.resnet34, 21_797_672), (.resnet50, 25_557_032),
    (.resnet101, 44_549_160), (.resnet152, 60_192_808), (.resnext50, 25_028_904),
    (.wideResnet50, 68_883_240),
    (.init(block: .basic, layers: [2, 2, 2, 2], stem: .small, classes: 10), 11_173_962),
  ]) func hasAsManyParametersAsPublished(_ configuration: ResNetConfiguration, _ count: Int) {
    #expect(ResNet(configuration, key: Self.key).parameterCount == count)
  }

  @Test func namesAllItsTensors() {
    let configuration = ResNetConfiguration(block: .bottleneck, layers: [1, 2], widths: [4, 8])
    #expect(forgottenTensors(in: ResNet(configuration, key: Self.key)) == [])
  }

  static let timm18 = ResNetConfiguration(
    block: .basic, layers: [2, 2, 2, 2], widths: [8, 12, 16, 24], classes: 6)
  static let timm50 = ResNetConfiguration(
    block: .bottleneck, layers: [1, 2, 1, 1], widths: [4, 6, 8, 10], classes: 5)

  @Test(arguments: [("timm-resnet18", timm18), ("timm-resnet50", timm50)])
  func agreesWithTimm(_ name: String, _ configuration: ResNetConfiguration) throws {
    let fixture = try Fixture(name)
    var model = try fixture.weights(into: ResNet(configuration, key: Self.key))
    try expectMaps(of: model, fixture.tensor("input.x"), fixture)

    let isTraining = fixture.reference.metadata["train.mode"] == "train"
    let phase = isTraining ? Phase.training(Self.key) : .inference
    let (loss, gradient) = valueAndGradient(updating: &model) { Self.loss(&$0, fixture, phase) }
    #expect(distance(loss, fixture.tensor("train.loss")) < 2e-5)
    try expectSlopes(gradient, fixture)
  }

  @Test func threeStepsOfAdamWEndAsInTimm() throws {
    let fixture = try Fixture("timm-resnet18")
    var model = try fixture.weights(into: ResNet(Self.timm18, key: Self.key))
    var optimizer = Adam(
      for: model, learningRate: 0.002, betas: (0.9, 0.95), epsilon: 1e-4, weightDecay: 0.1,
      isDecoupled: true)
    var losses: [Tensor] = []
    for _ in 0..<3 {
      let (loss, gradient) = valueAndGradient(updating: &model) {
        Self.loss(&$0, fixture, .training(Self.key))
      }
      losses.append(loss)
      optimizer.update(&model, along: gradient)
      (model, optimizer) = (model.evaluated(), optimizer.evaluated())
    }
    #expect(distance(stack(losses), fixture.tensor("train.losses")) < 1e-4)
    for leaf in model.leaves {
      guard let expected = fixture["train.step3.\(leaf.name)"] else { continue }
      #expect(distance(leaf.tensor, expected) < 1e-4, "\(leaf.name)")
    }
  }

  static let basic = ResNetConfiguration(block: .basic, layers: [1, 1, 1, 1], classes: 10)
  static let resnext = ResNetConfiguration(
    block: .bottleneck, layers: [1, 1, 1, 1], groups: 32, widthPerGroup: 4, classes: 10)

  @Test(arguments: [("torchvision-resnet-basic", basic), ("torchvision-resnext", resnext)])
  func agreesWithTorchvision(_ name: String, _ configuration: ResNetConfiguration) throws {
    let fixture = try Fixture(name)
    let model = try fixture.recipeWeights(into: ResNet(configuration, key: Self.key))
    try expectMaps(of: model, fixture.recipeInput("x"), fixture)
  }

  /// With nothing added, only the pooled stem and the projections of the shortcuts are left.
  @Test func withoutBranchesOnlyProjectionsAreLeft() {
    let model = ResNet(
      ResNetConfiguration(
        block: .bottleneck, layers: [2, 2], widths: [4, 6], classes: 3, zeroInitialResiduals: true),
      key: Self.key)
    let x = Self.key.fork(1).normal([2, 17, 20, 3])
    func normalized(_ x: Tensor) -> Tensor { x / (1 + 1e-5).squareRoot() }
    func projection(_ x: Tensor, _ stage: Int, _ stride: Int) -> Tensor {
      let weight = model.stages[stage][0].downsample!.convolution.weight
      return normalized(convolution(x, weight, stride: [stride])).relu()
    }
    let stem = normalized(
      convolution(x, model.conv1.weight, stride: [2], padding: .symmetric([3]))
    ).relu()
    let pooled = maxPooling(stem, size: [3], stride: [2], padding: .symmetric([1]))
    let left = projection(projection(pooled, 0, 1), 1, 2).mean([1, 2])
    #expect(distance(model(x), model.fc!(left)) < 1e-5)
  }

  @Test func runningStatisticsAndBatchesChangeInTrainingOnly() {
    var model = ResNet(
      ResNetConfiguration(block: .basic, layers: [1], widths: [4], classes: 3), key: Self.key)
    let x = Self.key.fork(2).normal([2, 16, 16, 3])
    _ = model(x)
    #expect(model.bn1.statistics?.batchCount.doubles() == [0])
    _ = model(x, .training(Self.key))
    #expect(model.bn1.statistics?.batchCount.doubles() == [1])
    #expect(model.stages[0][0].bn2.statistics?.batchCount.doubles() == [1])
  }

  private static func loss(_ model: inout ResNet, _ fixture: Fixture, _ phase: Phase) -> Tensor {
    let logits = model(fixture.tensor("input.x").channelsLast, phase)
    return crossEntropy(logits, fixture.tensor("input.labels"))
  }

  /// Compares the output of stem, stages and head with what the fixture has of them.
  private func expectMaps(of model: ResNet, _ x: Tensor, _ fixture: Fixture) throws {
    var model = model
    let maps = model.maps(x.channelsLast, .inference)
    let results =
      zip(["maxpool", "layer1", "layer2", "layer3", "layer4"], maps.map(\.channelsFirst))
      + [("logits", model(x.channelsLast))]
    for (name, value) in results {
      if let expected = fixture["output.\(name)"] {
        #expect(distance(value, expected) < 5e-5, "\(name)")
      } else {
        let first = fixture.tensor("output.\(name).first4096")
        let values = value.flattened().sliced(0, 0..<first.count)
        #expect(distance(values, first) < 5e-5, "\(name)")
      }
    }
  }
}

/// Compares a gradient with the parts of it and the norms that a fixture has.
func expectSlopes<M: Module>(_ gradient: M, _ fixture: Fixture) throws {
  let leaves = gradient.leaves.filter { !$0.isBuffer }
  let norms = Dictionary(
    uniqueKeysWithValues: leaves.map { ($0.name, $0.tensor.square().sum().scalar.squareRoot()) })
  let largest = norms.values.max() ?? 0
  for leaf in leaves {
    if let expected = fixture["train.grad.\(leaf.name)"] {
      #expect(distance(leaf.tensor, expected) < 1e-4, "gradient by \(leaf.name)")
    }
    let norm = try #require(fixture["train.grad_norm.\(leaf.name)"], "\(leaf.name)").scalar
    let given = try #require(norms[leaf.name])
    #expect(abs(given - norm) < 1e-3 * norm + 1e-5 * largest, "norm by \(leaf.name)")
  }
}

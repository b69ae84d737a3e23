import Documents
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// Residual networks of timm and torchvision: maps, logits, gradients and trained weights.
@Suite struct ResNetFixturesTests {
  static let fixtures = Fixture.all { ResNetConfiguration($0.config) != nil }

  @Test(.enabled(if: Fixture.areOwn)) func thereAreFixtures() {
    #expect(Self.fixtures.count >= 4)
    #expect(Self.fixtures.contains { $0["train.losses"] != nil })
  }

  @Test(arguments: fixtures) func agreesWithTheReference(_ fixture: Fixture) throws {
    let model = try model(fixture)
    try expectMaps(of: model, fixture)
    guard fixture["train.loss"] != nil else { return }
    let (x, labels) = try (fixture.tensor("input.x").channelsLast, fixture.tensor("input.labels"))
    let isTraining = fixture.metadata["train.mode"] == "train"
    try expectTraining(of: model, fixture) { (model: inout ResNet) in
      crossEntropy(model(x, isTraining ? .training(RandomKey(seed: 1)) : .inference), labels)
    }
  }

  private func model(_ fixture: Fixture) throws -> ResNet {
    let configuration = try #require(ResNetConfiguration(fixture.config))
    return try fixture.weights(into: ResNet(configuration, key: RandomKey(seed: 1)))
  }

  /// Compares the output of stem, stages and head with what the fixture has of them.
  private func expectMaps(of model: ResNet, _ fixture: Fixture) throws {
    var model = model
    let x = try (fixture["input.x"] ?? fixture.recipeInput("x")).channelsLast
    let maps = model.maps(x, .inference)
    let results =
      zip(["maxpool", "layer1", "layer2", "layer3", "layer4"], maps.map(\.channelsFirst))
      + [("logits", model(x))]
    for (name, value) in results {
      if let expected = fixture["output.\(name)"] {
        #expect(distance(value, expected) < 5e-5, "\(name)")
      } else if let first = fixture["output.\(name).first4096"] {
        let values = value.flattened().sliced(0, 0..<first.count)
        #expect(distance(values, first) < 5e-5, "\(name)")
      } else {
        #expect(name != "logits", "the fixture has no logits")
      }
    }
  }
}

extension ResNetConfiguration {
  /// What timm or torchvision builds from the configuration of a fixture; nil where that is no network of this family.
  fileprivate init?(_ config: JSONValue) {
    let published: [String: ResNetConfiguration] = [
      "resnet18": .resnet18, "resnet34": .resnet34, "resnet50": .resnet50, "resnet101": .resnet101,
      "resnet152": .resnet152, "resnext50_32x4d": .resnext50, "wide_resnet50_2": .wideResnet50,
    ]
    guard let architecture = config["architecture"]?.string, let arguments = config["arguments"]
    else { return nil }
    func integer(_ names: String...) -> Int? {
      names.lazy.compactMap { arguments[$0]?.integer }.first
    }
    func integers(_ name: String) -> [Int]? {
      arguments[name]?.elements?.compactMap(\.integer)
    }
    if let known = published[architecture] {
      self = known
    } else if architecture == "ResNet", let layers = integers("layers") {
      let isBasic = arguments["block"]?.string == "BasicBlock"
      self.init(block: isBasic ? .basic : .bottleneck, layers: layers)
    } else {
      return nil
    }
    layers = integers("layers") ?? layers
    widths = integers("channels") ?? widths
    groups = integer("groups", "cardinality") ?? groups
    widthPerGroup = integer("width_per_group", "base_width") ?? widthPerGroup
    classes = integer("num_classes") ?? classes
    inputs = integer("in_chans") ?? inputs
  }
}

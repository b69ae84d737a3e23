import Checkpoints
import Foundation
import Layers
import Published
import Tensors
import Testing

@Suite struct PublishedClassifierTests {
  /// Parameters by the name of a constructor, as the libraries count them.
  static let counts: [String: Int] = [
    "alexnet": 61_100_840, "googlenet": 13_004_888, "inception_v3": 27_161_264,
    "densenet121": 7_978_856, "densenet161": 28_681_000, "densenet169": 14_149_480,
    "densenet201": 20_013_928, "resnet18": 11_689_512, "resnet34": 21_797_672,
    "resnet50": 25_557_032, "resnet101": 44_549_160, "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904, "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272, "wide_resnet50_2": 68_883_240,
    "wide_resnet101_2": 126_886_696, "efficientnet_b0": 5_288_548, "efficientnet_b1": 7_794_184,
    "efficientnet_b2": 9_109_994, "efficientnet_b3": 12_233_232, "efficientnet_b4": 19_341_616,
    "efficientnet_b5": 30_389_784, "efficientnet_b6": 43_040_704, "efficientnet_b7": 66_347_960,
    "efficientnet_v2_s": 21_458_488, "efficientnet_v2_m": 54_139_356,
    "efficientnet_v2_l": 118_515_272, "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680, "efficientnet_lite2": 6_092_072,
    "efficientnet_lite3": 8_197_096,
    "efficientnet_lite4": 13_006_568, "tf_efficientnet_lite0": 4_652_008,
    "tf_efficientnet_lite1": 5_416_680, "tf_efficientnet_lite2": 6_092_072,
    "tf_efficientnet_lite3": 8_197_096, "tf_efficientnet_lite4": 13_006_568,
  ]

  static let architectures: [any PublishedModel.Type] = [
    PublishedAlexNet.self, PublishedGoogLeNet.self, PublishedInceptionV3.self,
    PublishedResNet.self, PublishedDenseNet.self, PublishedEfficientNet.self,
  ]

  static func configuration(_ text: String) throws -> ModelConfiguration {
    try ModelConfiguration(parsing: text, file: "config.json")
  }

  static func model(_ text: String) throws -> any PublishedModel {
    let configuration = try configuration(text)
    let type = try Architectures.architecture(of: configuration)
    return try type.init(configuration, key: RandomKey(seed: 1))
  }

  @Test func `Networks of published sizes have as many parameters as published`() throws {
    for size in Self.architectures.flatMap({ $0.card.sizes }) {
      #expect(try Self.model(size.configuration).parameterCount == Self.counts[size.name])
    }
  }

  @Test(arguments: [
    ("tf_efficientnet_b8", 87_413_142), ("tf_efficientnetv2_b3", 14_358_406),
    ("resnet50d", 25_576_264), ("resnet26t", 16_011_872), ("resnext50d_32x4d", 25_048_136),
    ("densenet264d", 72_736_216),
  ])
  func `timm's further constructors are known`(_ name: String, _ count: Int) throws {
    let text = #"{"architecture": "\#(name)", "pretrained_cfg": {"input_size": [3, 224, 224]}}"#
    #expect(try Self.model(text).parameterCount == count)
  }

  /// An unknown option, or one that no network can be built from, ends in a sentence and never in a trap.
  @Test(arguments: [
    ("efficientnet_b0", #""se_layer": "eca""#), ("efficientnet_b0", #""pad_type": "valid""#),
    ("efficientnet_b0", #""group_size": 7"#), ("efficientnet_b0", #""channel_multiplier": 1e30"#),
    ("efficientnet_b0", #""channel_divisor": 1, "channel_multiplier": 0.01"#),
    ("efficientnet_b0", #""depth_multiplier": [1, 2]"#), ("efficientnet_b0", #""act_layer": "x""#),
    ("efficientnet_b0", #""norm_layer": "groupnorm""#), ("densenet121", #""block_config": [1, 0]"#),
    ("densenet121", #""growth_rate": 4611686018427387904"#),
    ("densenet121", #""growth_rate": 3, "stem_type": "deep_tiered""#),
    ("resnet50", #""output_stride": 4"#),
    ("resnet50", #""base_width": 8, "channels": [4, 4, 4, 4]"#),
    ("resnet50", #""layers": [1, 1, 1]"#), ("resnet50", #""block_args": {"attn_layer": "se"}"#),
    ("resnet50", #""global_pool": "gem""#), ("resnet18", #""cardinality": 2"#),
    ("resnet50", #""drop_rate": 1"#), ("resnet50", #""num_classes": -1"#),
  ])
  func `What timm's arguments cannot mean is refused`(_ name: String, _ arguments: String) {
    #expect(throws: PublishedError.self) {
      try Self.model(#"{"architecture": "\#(name)", "model_args": {\#(arguments)}}"#)
    }
  }

  @Test(arguments: [
    ("EfficientNet", #""settings": [[1, 3, 1, 32, 16, 1], [6, 3, 2, 24, 40, 1]]"#),
    ("EfficientNet", #""settings": [[1, 3, 1, 32, 16]]"#), ("alexnet", #""num_classes": 0"#),
    ("resnet18", #""replace_stride_with_dilation": [true, true, true]"#),
    ("googlenet", #""blocks": [1]"#), ("inception_v3", #""aux_logits": 1"#),
  ])
  func `What torchvision's arguments cannot mean is refused`(_ name: String, _ arguments: String) {
    #expect(throws: PublishedError.self) {
      try Self.model(
        #"{"library": "torchvision", "architecture": "\#(name)", "arguments": {\#(arguments)}}"#)
    }
  }

  @Test(arguments: [("alexnet", 63), ("googlenet", 15), ("densenet121", 29), ("resnet18", 1)])
  func `Pictures of which nothing would be left are refused`(_ name: String, _ least: Int) throws {
    let model = try Self.model(#"{"library": "torchvision", "architecture": "\#(name)"}"#)
    let logits = try model.outputs(of: .init(["x": .zeros([1, 3, least, least])]), .inference)
    #expect(logits["logits"]?.shape == [1, 1000])
    #expect(throws: PublishedError.self) {
      try model.outputs(of: .init(["x": .zeros([1, 3, least - 1, 70])]), .inference)
    }
  }

  @Test func `In training auxiliary classifiers give logits and take part in the loss`() throws {
    var model = try Self.model(
      #"{"library": "torchvision", "architecture": "googlenet", "arguments": {"num_classes": 3}}"#)
    let inputs = ModelInputs([
      "x": RandomKey(seed: 2).normal([2, 3, 32, 32]), "labels": Tensor([Int64(0), 2]),
    ])
    let phase = Phase.training(RandomKey(seed: 3))
    #expect(try model.outputs(of: inputs, .inference).keys.contains("aux_logits1") == false)
    let outputs = try model.outputs(of: inputs, phase)
    var expected = 0.0
    for (name, weight) in [("logits", 1), ("aux_logits1", 0.3), ("aux_logits2", 0.3)] {
      let logits = try #require(outputs[name])
      #expect(logits.shape == [2, 3])
      expected += weight * crossEntropy(logits, try inputs("labels")).scalar
    }
    #expect(abs(try model.loss(of: inputs, phase).scalar - expected) < 1e-5)
  }

  @Test(arguments: [("googlenet", 6_624_904), ("inception_v3", 23_834_568)])
  func `Without auxiliary classifiers there are fewer parameters`(_ name: String, _ count: Int)
    throws
  {
    let text =
      #"{"library": "torchvision", "architecture": "\#(name)", "arguments": {"aux_logits": false}}"#
    #expect(try Self.model(text).parameterCount == count)
  }

  @Test func `Names of the first released weights of DenseNet are read`() throws {
    let text = #"""
      {"architecture": "densenet121", "model_args": {"growth_rate": 4, "block_config": [1, 1]}}
      """#
    let model = try PublishedDenseNet(Self.configuration(text), key: RandomKey(seed: 4))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: file) }
    let older = model.publishedLeaves().map { leaf in
      var leaf = leaf
      leaf.name = model.olderNames(leaf.name)
      return leaf
    }
    #expect(older.contains { $0.name == "features.denseblock1.denselayer1.norm.1.weight" })
    try Safetensors.write(older, to: file)
    var read = try PublishedDenseNet(Self.configuration(text), key: RandomKey(seed: 5))
    try read.load(from: file)
    #expect(zip(read.tensors, model.tensors).allSatisfy { $0.doubles() == $1.doubles() })
  }
}

import Documents
import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct UNetTests {
  static let key = RandomKey(seed: 1)

  static let fixtures = Fixture.all { $0.config["_class_name"]?.string == "UNet2DModel" }

  @Test(.enabled(if: Fixture.areOwn)) func thereAreFixtures() { #expect(!Self.fixtures.isEmpty) }

  @Test(arguments: fixtures) func agreesWithDiffusers(_ fixture: Fixture) throws {
    let data = try Data(contentsOf: fixture.folder.appendingPathComponent("config.json"))
    let configuration = try JSONDecoder().decode(UNetConfiguration.self, from: data)
    let model = try fixture.weights(into: UNet(configuration, key: Self.key))
    let sample = try fixture.tensor("input.sample").channelsLast
    let time = try fixture.tensor("input.timestep")
    let labels = fixture["input.class_labels"]
    let output = model(sample, at: time, condition: labels)
    #expect(try distance(output.channelsFirst, fixture.tensor("output.sample")) < 5e-5)
    if let embedding = fixture["output.time_embedding"] {
      #expect(distance(model.embedded(time, nil), embedding) < 5e-5)
    }
    guard let target = fixture["input.target"]?.channelsLast else { return }
    try expectTraining(of: model, fixture) {
      meanSquaredError($0(sample, at: time, condition: labels), target)
    }
  }

  /// The configurations of the first DDPM, as they are published, and one of a usual benchmark.
  @Test(arguments: [
    (
      #"{"block_out_channels": [128, 256, 256, 256], "attention_head_dim": null, "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"], "downsample_padding": 0, "flip_sin_to_cos": false, "freq_shift": 1, "norm_eps": 1e-6, "sample_size": 32}"#,
      35_746_307
    ),
    (
      #"{"block_out_channels": [128, 128, 256, 256, 512, 512], "attention_head_dim": null, "down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"], "sample_size": 256}"#,
      113_673_219
    ),
  ]) func hasAsManyParametersAsPublished(_ json: String, _ count: Int) throws {
    let configuration = try JSONDecoder().decode(UNetConfiguration.self, from: Data(json.utf8))
    #expect(UNet(configuration, key: Self.key).parameterCount == count)
  }

  @Test func theBenchmarkHasItsParameters() {
    let configuration = UNetConfiguration(size: 32, widths: [64, 128, 128, 128], attention: [1])
    #expect(UNet(configuration, key: Self.key).parameterCount == 8_952_067)
  }

  static let small = UNetConfiguration(
    size: 8, channels: 1, widths: [4, 8], layers: 1, attention: [1], normGroups: 2, classes: 3)

  @Test func namesAllItsTensors() {
    #expect(forgottenTensors(in: UNet(Self.small, key: Self.key)) == [])
  }

  @Test func configurationsSurviveWriting() throws {
    for headWidth in [nil, 4] {
      var configuration = Self.small
      configuration.headWidth = headWidth
      let data = try JSONEncoder().encode(configuration)
      #expect(try JSONDecoder().decode(UNetConfiguration.self, from: data) == configuration)
    }
  }

  @Test(arguments: [
    (#"{"act_fn": "gelu"}"#, "silu"), (#"{"time_embedding_type": "fourier"}"#, "positional"),
    (#"{"block_out_channels": [32, 64], "down_block_types": ["DownBlock2D"]}"#, "2 levels have"),
    (
      #"{"block_out_channels": [30], "down_block_types": ["DownBlock2D"], "up_block_types": ["UpBlock2D"]}"#,
      "32 groups"
    ),
  ]) func unknownSettingsAreRefused(_ json: String, _ words: String) throws {
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(UNetConfiguration.self, from: Data(json.utf8))
    }
    #expect("\(try #require(error))".contains(words))
  }

  /// Paddings, scale and shift, zeros at the beginning, labels: each changes what it should.
  @Test func optionsDoWhatTheySay() {
    let (x, time) = (Self.key.fork(1).normal([2, 8, 8, 1]), Tensor([3, 700] as [Int32]))
    var configuration = Self.small
    let model = UNet(configuration, key: Self.key)
    let plain = model(x, at: time)
    #expect(distance(model(x, at: time, condition: Tensor([0, 2] as [Int32])), plain) > 1e-4)

    configuration.zeroInitialOutputs = true
    #expect(UNet(configuration, key: Self.key)(x, at: time).abs().max().scalar == 0)
    configuration.zeroInitialOutputs = false

    configuration.downsamplePadding = 0
    let shifted = UNet(configuration, key: Self.key).replacingTensors(model.tensors)
    #expect(shifted(x, at: time).shape == x.shape)
    #expect(distance(shifted(x, at: time), plain) > 1e-4)
    configuration.downsamplePadding = 1

    configuration.timeUse = .scaleShift
    let scaled = UNet(configuration, key: Self.key)
    #expect(scaled(x, at: time).shape == x.shape)
    let later = scaled(x, at: Tensor([4, 701] as [Int32]))
    #expect(distance(scaled(x, at: time), later) > 1e-4)
  }
}

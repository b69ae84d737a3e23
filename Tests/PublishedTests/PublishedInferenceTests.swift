import Foundation
import Layers
import Published
import Tensors
import Testing

/// The bridges of networks that their libraries only run.
@Suite struct PublishedInferenceTests {
  static let counts = [
    "silero_vad_16k": 309_633, "resemblyzer": 1_423_616, "g2p_en": 834_890, "pnet": 6_632,
    "rnet": 100_178, "onet": 389_040,
  ]

  private static let types: [any PublishedInference.Type] = [
    PublishedSileroVAD.self, PublishedVoiceEncoder.self, PublishedPronunciation.self,
    PublishedMTCNN.self,
  ]

  private func model(_ name: String) throws -> any PublishedModel {
    let size = Self.types.flatMap { $0.card.sizes }.first { $0.name == name }
    let configuration = try ModelConfiguration(
      parsing: try #require(size).configuration, file: name)
    return try Architectures.architecture(of: configuration)
      .init(configuration, key: RandomKey(seed: 1))
  }

  @Test(arguments: counts.keys.sorted())
  func `Networks have the published numbers of parameters, and no loss`(_ name: String) throws {
    var model = try model(name)
    #expect(model.parameterCount == Self.counts[name])
    #expect(throws: PublishedError.self) { try model.loss(of: ModelInputs([:]), .inference) }
  }

  @Test(arguments: [
    ("silero_vad_16k", "x", [512]), ("resemblyzer", "mels", [1, 9, 41]),
    ("resemblyzer", "mels", [1, 0, 40]), ("g2p_en", "letters", [1, 3]),
    ("pnet", "x", [1, 3, 11, 40]), ("rnet", "x", [1, 3, 25, 24]), ("onet", "x", [1, 1, 48, 48]),
  ])
  func `Inputs that do not fit are refused`(_ name: String, _ input: String, _ shape: [Int]) throws
  {
    let model = try model(name)
    let error = #expect(throws: PublishedError.self) {
      try model.outputs(of: ModelInputs([input: .zeros(shape)]), .inference)
    }
    #expect(try #require(error).description.contains("\"\(input)\""))
  }
}

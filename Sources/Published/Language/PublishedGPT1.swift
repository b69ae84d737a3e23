internal import Layers
public import Models
public import Tensors

/// GPT-1 in transformers' layout.
public struct PublishedGPT1: PublishedDecoder {
  public var model: GPT

  public static let card = ArchitectureCard(
    "GPT-1", family: "language", layouts: ["transformers"],
    source: "Radford et al. 2018, Improving language understanding by generative pre-training",
    sizes: [.init("openai-gpt", #"{"model_type": "openai-gpt"}"#)])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("openai-gpt", ["OpenAIGPTLMHeadModel", "OpenAIGPTModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    var sizes = try configuration.gptSizes(vocabulary: 40478, context: 512)
    // This class knows neither other widths nor other scales.
    (sizes.inner, sizes.isScaled, sizes.isScaledByLayer) = (nil, true, false)
    sizes.activation = try configuration.activationOfGPT1()
    (sizes.isNormFirst, sizes.hasLastNorm, sizes.hasSmallResiduals) = (false, false, false)
    if configuration.architecture == "OpenAIGPTModel" { sizes.head = .none }
    model = GPT(sizes, key: key)
  }

  public var names: WeightNames {
    let names: WeightNames = [
      "wte": "transformer.tokens_embed", "wpe": "transformer.positions_embed",
    ]
    return names.then(.gpt)
  }
  public var optionalPrefix: String { "transformer." }
  public var ignored: [String] { .gptMasks + model.configuration.tiedHead }
}

extension ModelConfiguration {
  /// The library's GPT-1 has four activations; what it calls "gelu" is the tanh form.
  fileprivate func activationOfGPT1() throws(PublishedError) -> Activation {
    let name = try text("afn", default: "gelu")
    let known: [String: Activation] = [
      "relu": .relu, "silu": .silu, "swish": .silu, "gelu": .geluTanh, "gelu_new": .geluTanh,
    ]
    guard let activation = known[name] else {
      throw .configuration(
        file: file, problem: "\"afn\" is \"\(name)\"",
        mend: "it must be \"relu\", \"silu\", \"gelu\" or \"gelu_new\"")
    }
    return activation
  }
}

import Documents
import Layers
import Models
import Published
import Tensors
import Testing

/// The bridges of language models: published sizes, and what they refuse.
@Suite struct PublishedLanguageTests {
  /// Parameters of the published sizes.
  static let counts = [
    "gpt2": 124_439_808, "gpt2-medium": 354_823_168, "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200, "openai-gpt": 116_534_784, "gpt-neo-125M": 125_198_592,
    "gpt-neo-1.3B": 1_315_575_808, "gpt-neo-2.7B": 2_651_307_520, "imagegpt-small": 76_682_240,
    "llama-2-7b": 6_738_415_616, "llama-3-8b": 8_030_261_248, "llama-3.2-1b": 1_235_814_400,
    "qwen2-0.5b": 494_032_768, "qwen2-7b": 7_615_616_512, "bert-base": 110_106_428,
    "bert-base-cased": 108_932_934, "bert-large": 336_226_108, "bart-base": 139_420_416,
    "bart-large": 406_291_456, "mbart-large": 610_851_840, "opus-mt-en-de": 73_886_208,
    "t5-small": 60_506_624, "t5-base": 222_903_552, "t5-v1_1-small": 76_961_152,
    "prophetnet-large": 391_321_600, "xprophetnet-large": 616_079_360,
  ]

  private static func configuration(_ text: String) throws -> ModelConfiguration {
    ModelConfiguration(try JSONValue(parsing: Array(text.utf8)), file: "config.json")
  }

  @Test func `Published sizes have the published numbers of parameters`() throws {
    var unseen = Set(Self.counts.keys)
    for type in Architectures.all where type.card.family == "language" {
      for size in type.card.sizes {
        let configuration = try Self.configuration(size.configuration)
        let reads = type.reads(configuration)
        #expect(reads, "\(size.name)")
        let model = try type.init(configuration, key: RandomKey(seed: 1))
        guard let count = Self.counts[size.name] else { continue }
        unseen.remove(size.name)
        #expect(model.parameterCount == count, "\(size.name)")
      }
    }
    #expect(unseen.isEmpty)
  }

  @Test(arguments: [
    (#"{"model_type": "gpt2", "n_embd": 30, "n_head": 4}"#, "does not divide"),
    (#"{"model_type": "gpt2", "add_cross_attention": true}"#, "add_cross_attention"),
    (#"{"model_type": "gpt2", "activation_function": "laplace"}"#, "activation_function"),
    (#"{"model_type": "gpt2", "n_layer": 0}"#, "at least 1"),
    (#"{"model_type": "openai-gpt", "afn": "tanh"}"#, "afn"),
    (#"{"model_type": "gpt_neo", "num_layers": 3}"#, "attention_types"),
    (#"{"model_type": "llama", "num_key_value_heads": 5}"#, "does not divide"),
    (#"{"model_type": "llama", "head_dim": 7}"#, "even"),
    (#"{"model_type": "llama", "rope_scaling": {"rope_type": "su"}}"#, "rope_type"),
    (#"{"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 0}}"#, "positive"),
    (#"{"model_type": "llama", "partial_rotary_factor": 0.5}"#, "partial_rotary_factor"),
    (
      #"{"model_type": "qwen2", "num_hidden_layers": 1, "layer_types": ["chunked_attention"]}"#,
      "layer_types"
    ),
    (#"{"model_type": "bert", "position_embedding_type": "relative_key"}"#, "absolute"),
    (#"{"model_type": "bert", "problem_type": "guess"}"#, "problem_type"),
    (#"{"model_type": "bart", "encoder_layerdrop": 1}"#, "layerdrop"),
    (#"{"model_type": "bart", "pad_token_id": 60000}"#, "pad_token_id"),
    (#"{"model_type": "marian", "decoder_vocab_size": 7}"#, "decoder_vocab_size"),
    (#"{"model_type": "t5", "feed_forward_proj": "gated-guess"}"#, "feed_forward_proj"),
    (#"{"model_type": "t5", "relative_attention_num_buckets": 3}"#, "at least 4"),
    (#"{"model_type": "prophetnet", "max_position_embeddings": 2}"#, "max_position_embeddings"),
  ])
  func `What no network can be built from is refused by name`(_ text: String, _ reason: String)
    throws
  {
    let configuration = try Self.configuration(text)
    let type = try Architectures.architecture(of: configuration)
    let error = #expect(throws: PublishedError.self) {
      _ = try type.init(configuration, key: RandomKey(seed: 1))
    }
    #expect(error?.description.contains(reason) ?? false, "\(error?.description ?? "")")
  }

  @Test func `Inputs that do not fit are refused before anything is computed`() throws {
    let configuration = try Self.configuration(
      #"{"model_type": "gpt2", "vocab_size": 9, "n_positions": 4, "n_embd": 8, "n_layer": 1, "n_head": 2}"#
    )
    let model = try PublishedGPT2(configuration, key: RandomKey(seed: 1))
    let wrong: [[String: Tensor]] = [
      [:], ["input_ids": Tensor([1, 2, 9] as [Int32], shape: [1, 3])],
      ["input_ids": .fill(integer: 1, [1, 5], .int32)],
      ["input_ids": .fill(integer: 1, [3], .int32)], ["input_ids": .ones([1, 3])],
      ["input_ids": .fill(integer: 1, [1, 3], .int32), "attention_mask": .ones([1, 2])],
    ]
    for inputs in wrong {
      #expect(throws: PublishedError.self) {
        _ = try model.outputs(of: ModelInputs(inputs), .inference)
      }
    }
  }
}

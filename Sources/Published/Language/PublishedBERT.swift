internal import Documents
public import Layers
public import Models
public import Tensors

/// BERT in transformers' layout, with the heads of its classes.
public struct PublishedBERT: PublishedModel {
  public var model: BERT
  private let labels: LabelledClasses
  /// The class for causal texts, whose labels are moved by one place.
  private let isLanguageModel: Bool

  public static let card = ArchitectureCard(
    "BERT", family: "language", layouts: ["transformers"],
    source: "Devlin et al., arXiv:1810.04805",
    sizes: [("base", 30522, 768, 12), ("base-cased", 28996, 768, 12), ("large", 30522, 1024, 24)]
      .map { name, vocabulary, width, layers in
        .init(
          "bert-\(name)",
          #"{"model_type": "bert", "architectures": ["BertForPreTraining"], "#
            + #""vocab_size": \#(vocabulary), "hidden_size": \#(width), "#
            + #""num_hidden_layers": \#(layers), "num_attention_heads": \#(width / 64), "#
            + #""intermediate_size": \#(4 * width)}"#)
      })

  private static let classes = [
    "BertModel", "BertForPreTraining", "BertForMaskedLM", "BertLMHeadModel",
    "BertForNextSentencePrediction", "BertForSequenceClassification", "BertForTokenClassification",
    "BertForQuestionAnswering", "BertForMultipleChoice",
  ]

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("bert", classes)
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    isLanguageModel = configuration.architecture == "BertLMHeadModel"
    let head: BERTConfiguration.Head
    switch configuration.architecture {
    case "BertModel": head = .none
    case "BertForPreTraining": head = .pretraining
    case "BertForNextSentencePrediction": head = .nextSentence
    case "BertForSequenceClassification": head = .texts(try configuration.labelCount())
    case "BertForTokenClassification": head = .tokens(try configuration.labelCount())
    case "BertForQuestionAnswering": head = .answers
    case "BertForMultipleChoice": head = .choice
    default: head = .maskedTokens
    }
    var sizes = BERTConfiguration(
      vocabulary: try configuration.size("vocab_size", default: 30522),
      kinds: try configuration.size("type_vocab_size", default: 2),
      stack: try configuration.bertStack(), head: head)
    sizes.padding = try configuration.padding(default: 0, vocabulary: sizes.vocabulary)
    sizes.isTied = try configuration.bool("tie_word_embeddings", default: true)
    sizes.classifierDropout = try configuration.rate(
      "classifier_dropout", default: sizes.stack.dropout)
    if head == .answers {
      let labels = try configuration.labelCount()
      try configuration.require(
        labels == 2, "num_labels", "is \(labels)", "answers have two ends: it must be 2")
    }
    labels = try LabelledClasses(configuration)
    model = BERT(sizes, key: key)
  }

  // MARK: Names

  public var names: WeightNames {
    WeightNames(
      Self.encoderRules + [
        ("transform", "cls.predictions.transform.dense"),
        ("transform_norm", "cls.predictions.transform.LayerNorm"),
        ("decoder", "cls.predictions.decoder"), ("decoder_bias", "cls.predictions.bias"),
        ("classifier", classifierName),
      ])
  }

  /// Of all but the heads.
  static let encoderRules: [(String, String)] = {
    let layer = "bert.encoder.layer.*"
    return WeightNames.attention(
      "layers.*.self_attn", "\(layer).attention",
      ("self.query", "self.key", "self.value", "output.dense")) + [
        ("tokens", "bert.embeddings.word_embeddings"),
        ("kinds", "bert.embeddings.token_type_embeddings"),
        ("positions", "bert.embeddings.position_embeddings"),
        ("embedding_norm", "bert.embeddings.LayerNorm"),
        ("layers.*.norm1", "\(layer).attention.output.LayerNorm"),
        ("layers.*.linear1", "\(layer).intermediate.dense"),
        ("layers.*.linear2", "\(layer).output.dense"),
        ("layers.*.norm2", "\(layer).output.LayerNorm"), ("pooler", "bert.pooler.dense"),
      ]
  }()

  private var classifierName: String {
    switch model.configuration.head {
    case .pretraining, .nextSentence: "cls.seq_relationship"
    case .answers: "qa_outputs"
    default: "classifier"
    }
  }

  public var optionalPrefix: String { "bert." }

  /// TensorFlow's names of norms.
  public var olderNames: WeightNames {
    let norms = [
      "embeddings.LayerNorm", "encoder.layer.*.attention.output.LayerNorm",
      "encoder.layer.*.output.LayerNorm",
    ]
    let all = norms + norms.map { "bert.\($0)" } + ["cls.predictions.transform.LayerNorm"]
    return WeightNames(
      all.flatMap { [("\($0).weight", "\($0).gamma"), ("\($0).bias", "\($0).beta")] })
  }

  /// Copies of tied tensors, numbers of places, and heads of the pretraining.
  public var ignored: [String] {
    let inner = ["embeddings.position_ids", "pooler"]
    return inner + inner.map { "bert.\($0)" } + ["cls"]
  }

  // MARK: Use

  private struct Text {
    let ids: Tensor
    let kinds: Tensor?
    let mask: Tensor?
    let positions: Tensor?
  }

  private func text(_ inputs: ModelInputs) throws(PublishedError) -> Text {
    let inputs = model.configuration.head == .choice ? try inputs.choicesApart() : inputs
    let ids = try inputs.ids("input_ids", below: model.configuration.vocabulary)
    let longest = model.configuration.stack.longest
    try inputs.require("input_ids", ids.shape[1], atMost: longest)
    func optional(_ name: String, _ count: Int) throws(PublishedError) -> Tensor? {
      inputs[name] == nil ? nil : try inputs.ids(name, below: count, like: ids)
    }
    return Text(
      ids: ids, kinds: try optional("token_type_ids", model.configuration.kinds),
      mask: try inputs.padding("attention_mask", like: ids),
      positions: try optional("position_ids", longest))
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let text = try text(inputs)
    let states = model.states(
      text.ids, kinds: text.kinds, mask: text.mask, positions: text.positions, phase)
    var outputs = try logits(of: states.last!, inputs, phase)
    for (i, state) in states.enumerated() { outputs["hidden_states.\(i)"] = state }
    outputs["last_hidden_state"] = states.last!
    outputs["pooler_output"] = model.pooled(states.last!)
    outputs["loss"] = try loss(inputs, text, outputs)
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let text = try text(inputs)
    let states = model.states(
      text.ids, kinds: text.kinds, mask: text.mask, positions: text.positions, phase)
    guard let loss = try loss(inputs, text, logits(of: states.last!, inputs, phase))
    else {
      throw .input(name: "labels", problem: "there are none, or the network has no head for them")
    }
    return loss
  }

  private func logits(of states: Tensor, _ inputs: ModelInputs, _ phase: Phase)
    throws(PublishedError) -> [String: Tensor]
  {
    let (tokens, classes) = (model.tokenLogits(states), model.classLogits(states, phase))
    switch model.configuration.head {
    case .pretraining:
      return ["prediction_logits": tokens!, "seq_relationship_logits": classes!]
    case .choice:
      return ["logits": classes!.reshaped([try inputs("input_ids").shape[0], -1])]
    case .answers:
      let ends = classes!.split(-1, into: 2)
      return [
        "start_logits": ends[0].element(-1, 0), "end_logits": ends[1].element(-1, 0),
      ]
    default: return (tokens ?? classes).map { ["logits": $0] } ?? [:]
    }
  }

  /// The class's own loss; nil where its labels are not given.
  private func loss(_ inputs: ModelInputs, _ text: Text, _ outputs: [String: Tensor])
    throws(PublishedError) -> Tensor?
  {
    let batch = text.ids.shape[0]
    func labels(_ count: Int) throws(PublishedError) -> Tensor {
      try inputs.ids("labels", below: count, like: text.ids)
    }
    switch model.configuration.head {
    case .answers:
      guard inputs["start_positions"] != nil, inputs["end_positions"] != nil else { return nil }
      let start = try inputs.classes("start_positions", batch: batch)
      let end = try inputs.classes("end_positions", batch: batch)
      return (endLoss(outputs["start_logits"]!, start) + endLoss(outputs["end_logits"]!, end)) / 2
    case .pretraining:
      guard inputs["labels"] != nil, inputs["next_sentence_label"] != nil else { return nil }
      let follows = try inputs.classes("next_sentence_label", below: 2, batch: batch)
      return crossEntropy(
        outputs["prediction_logits"]!, try labels(model.configuration.vocabulary))
        + crossEntropy(outputs["seq_relationship_logits"]!, follows)
    default: break
    }
    guard inputs["labels"] != nil, let logits = outputs["logits"] else { return nil }
    switch model.configuration.head {
    case .nextSentence:
      return crossEntropy(logits, try inputs.classes("labels", below: 2, batch: batch))
    case .choice:
      let (batch, choices) = (logits.shape[0], logits.shape[1])
      return crossEntropy(logits, try inputs.classes("labels", below: choices, batch: batch))
    case .texts: return try self.labels.loss(logits, inputs)
    case .tokens(let count): return crossEntropy(logits, try labels(count))
    default:
      let labels = try labels(model.configuration.vocabulary)
      let length = labels.shape[1]
      guard isLanguageModel else { return crossEntropy(logits, labels) }
      return crossEntropy(logits.sliced(1, 0..<(length - 1)), labels.sliced(1, 1..<length))
    }
  }

  /// Ends of answers beyond the text count as none.
  private func endLoss(_ logits: Tensor, _ places: Tensor) -> Tensor {
    let length = logits.shape[1]
    func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], places.dataType) }
    return crossEntropy(
      logits, minimum(maximum(places, number(0)), number(length)), ignoring: length)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

extension ModelInputs {
  /// Texts among which one is chosen, [batch, choices, length], as texts of their own: [batch · choices, length].
  fileprivate func choicesApart() throws(PublishedError) -> ModelInputs {
    let shape = try self("input_ids", rank: 3).shape
    guard shape.allSatisfy({ $0 > 0 }) else {
      throw .input(name: "input_ids", problem: "its shape is \(shape), which holds nothing")
    }
    return ModelInputs(
      tensors.mapValues { $0.shape == shape ? $0.reshaped([-1, shape[2]]) : $0 })
  }

  /// One whole number for every text, [batch]; within 0 ..< count where there is a count.
  func classes(_ name: String, below count: Int? = nil, batch: Int) throws(PublishedError) -> Tensor
  {
    let classes = try self(name)
    guard classes.count == batch, !classes.dataType.isFloatingPoint else {
      throw .input(
        name: name, problem: "it is \(classes.dataType) \(classes.shape), not \(batch) numbers")
    }
    if let count { try check(classes, name, below: count) { $0 >= -100 } }
    return classes.reshaped([batch])
  }
}

extension ModelConfiguration {
  /// How many labels a classifier has: as many as are named, or two.
  func labelCount() throws(PublishedError) -> Int {
    let named = try part("id2label", isOptional: true).values.members?.count ?? 0
    return try size("num_labels", default: named > 0 ? named : 2)
  }

  /// The layers of BERT and its kin.
  func bertStack() throws(PublishedError) -> TokenStackConfiguration {
    let width = try size("hidden_size", default: 768, atMost: widest)
    let heads = try size("num_attention_heads", default: 12, atMost: widest)
    try require("num_attention_heads", heads, divides: "hidden_size", width)
    let kind = try text("position_embedding_type", default: "absolute")
    try require(
      kind == "absolute", "position_embedding_type", "is \"\(kind)\"",
      "only \"absolute\" is supported")
    try refuse("add_cross_attention", "only the text alone is read")
    var sizes = TokenStackConfiguration(
      width: width, layers: try size("num_hidden_layers", default: 12, atMost: 4096), heads: heads,
      inner: try size("intermediate_size", default: 3072, atMost: 8 * widest),
      positions: .learned(count: try size("max_position_embeddings", default: 512)))
    sizes.activation = try activation("hidden_act", default: .gelu)
    sizes.epsilon = try epsilon("layer_norm_eps", default: 1e-12)
    sizes.dropout = try rate("hidden_dropout_prob", default: 0.1)
    sizes.attentionDropout = try rate("attention_probs_dropout_prob", default: 0.1)
    sizes.isCausal = try bool("is_decoder", default: false)
    sizes.deviation = try deviation()
    return sizes
  }
}

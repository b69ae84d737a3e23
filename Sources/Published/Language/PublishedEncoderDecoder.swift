internal import Documents
public import Layers
public import Models
public import Tensors

/// An encoder-decoder over tokens in transformers' layout: what the bridges of BART, Marian and T5 share.
public protocol PublishedEncoderDecoder: PublishedGenerator {
  var model: EncoderDecoder { get set }
  var shift: LabelShift { get }
}

/// How labels become what the decoder reads.
public struct LabelShift: Sendable {
  /// What stands where there is no label.
  public var padding: Int
  /// The first token; nil: the label's last one that is no padding (mBART).
  public var start: Int?
  /// Without labels the decoder reads the source (BART).
  public var readsSource = false

  /// What the decoder reads: labels [batch, length] moved by one place.
  func callAsFunction(_ labels: Tensor) -> Tensor {
    func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], labels.dataType) }
    let (batch, length) = (labels.shape[0], labels.shape[1])
    let tokens = select(labels.equal(to: -100), number(padding), labels)
    let first: Tensor
    if let start {
      first = Tensor.fill(integer: Int64(start), [batch, 1], labels.dataType)
    } else {
      let isToken = tokens.equal(to: number(padding)).not()
      let last =
        isToken.cast(to: .int32).sum([1], keepsAxes: true)
        - Tensor.fill(integer: 1, [], .int32)
      first = tokens.takeAlong(1, last)
    }
    return concatenate([first, tokens.sliced(1, 0..<(length - 1))], axis: 1)
  }
}

extension PublishedEncoderDecoder {
  public var generator: EncoderDecoder { model }
  public var canWrite: Bool { model.configuration.head != .none }

  public func source(of inputs: ModelInputs) throws(PublishedError) -> EncodedSource {
    let ids = try inputs.ids("input_ids", below: model.configuration.vocabulary)
    try inputs.require("input_ids", ids.shape[1], atMost: model.configuration.encoder.longest)
    let mask = try inputs.padding("attention_mask", like: ids)
    return EncodedSource(states: model.encoderStates(ids, mask: mask).last!, mask: mask)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let text = try PairInputs(inputs, model.configuration, shift)
    let (encoder, decoder) = states(of: text, phase)
    let logits = model.logits(of: decoder.last!)
    var outputs = [
      "encoder_last_hidden_state": encoder.last!, "last_hidden_state": decoder.last!,
      "logits": logits,
    ]
    for (i, state) in encoder.enumerated() { outputs["encoder_hidden_states.\(i)"] = state }
    for (i, state) in decoder.enumerated() { outputs["decoder_hidden_states.\(i)"] = state }
    if let labels = text.labels, model.configuration.head != .none {
      outputs["loss"] = crossEntropy(logits, labels)
    }
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let text = try PairInputs(inputs, model.configuration, shift)
    guard let labels = text.labels, model.configuration.head != .none else {
      throw .input(name: "labels", problem: "there are none, or the network has no head for them")
    }
    return crossEntropy(model.logits(of: states(of: text, phase).decoder.last!), labels)
  }

  private func states(of text: PairInputs, _ phase: Phase) -> (
    encoder: [Tensor], decoder: [Tensor]
  ) {
    let encoder = model.encoderStates(text.source, mask: text.sourceMask, phase.fork(0))
    let decoder = model.decoderStates(
      text.target, mask: text.targetMask, memory: encoder.last!, memoryMask: text.sourceMask,
      phase.fork(1))
    return (encoder, decoder)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

/// What goes into an encoder-decoder.
struct PairInputs {
  let source: Tensor
  let sourceMask: Tensor?
  let target: Tensor
  let targetMask: Tensor?
  let labels: Tensor?

  init(
    _ inputs: ModelInputs, _ sizes: EncoderDecoderConfiguration, _ shift: LabelShift
  ) throws(PublishedError) {
    try self.init(
      inputs, vocabulary: sizes.vocabulary,
      targets: sizes.decoderVocabulary ?? sizes.vocabulary, shift,
      longest: (sizes.encoder.longest, sizes.decoder.longest))
  }

  init(
    _ inputs: ModelInputs, vocabulary: Int, targets: Int, _ shift: LabelShift,
    longest: (Int, Int)
  ) throws(PublishedError) {
    source = try inputs.ids("input_ids", below: vocabulary)
    try inputs.require("input_ids", source.shape[1], atMost: longest.0)
    sourceMask = try inputs.padding("attention_mask", like: source)
    labels =
      inputs["labels"] == nil ? nil : try inputs.ids("labels", below: targets)
    if inputs["decoder_input_ids"] != nil {
      target = try inputs.ids("decoder_input_ids", below: targets)
    } else if let labels {
      target = shift(labels)
    } else if shift.readsSource {
      target = shift(source)
    } else {
      throw .input(name: "decoder_input_ids", problem: "it is missing, and so are labels")
    }
    try inputs.require("decoder_input_ids", target.shape[1], atMost: longest.1)
    targetMask = try inputs.padding("decoder_attention_mask", like: target)
    if target.shape[0] != source.shape[0] || labels.map({ $0.shape != target.shape }) ?? false {
      throw .input(
        name: "decoder_input_ids",
        problem: "its shape \(target.shape) does not fit the source \(source.shape) or the labels")
    }
  }
}

extension TokenStackConfiguration {
  /// The longest sequence that has places.
  var longest: Int { if case .learned(let count, _) = positions { count } else { .max } }
}

extension ModelConfiguration {
  /// Padding and first token of the decoder.
  func labelShift(padding: Int, start: Int?, vocabulary: Int) throws(PublishedError) -> LabelShift {
    func token(_ name: String, _ value: Int) throws(PublishedError) -> Int {
      let token = try integer(name, default: value)
      try require(
        (0..<vocabulary).contains(token), name, "is \(token)",
        "it must be a token, below \(vocabulary)")
      return token
    }
    return LabelShift(
      padding: try token("pad_token_id", padding),
      start: try start.map { value throws(PublishedError) in
        try token("decoder_start_token_id", value)
      })
  }
}

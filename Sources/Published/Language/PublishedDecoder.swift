internal import Documents
public import Layers
public import Models
public import Tensors

/// A causal Transformer in transformers' layout: what the bridges of GPT-2 and its kin share.
public protocol PublishedDecoder: PublishedGenerator {
  var model: GPT { get set }
}

extension PublishedDecoder {
  public var generator: GPT { model }
  public var canWrite: Bool { model.configuration.head != .none }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let text = try TextInputs(inputs, model)
    let states = model.hiddenStates(
      text.ids, kinds: text.kinds, mask: text.mask, positions: text.positions, phase)
    let logits = model.logits(of: states.last!)
    var outputs = ["last_hidden_state": states.last!, "logits": logits]
    for (i, state) in states.enumerated() { outputs["hidden_states.\(i)"] = state }
    if inputs["labels"] != nil { outputs["loss"] = try loss(inputs, logits, text) }
    var caches = model.caches(batch: text.ids.shape[0], capacity: text.ids.shape[1])
    _ = model.states(of: text.ids, caches: &caches, mask: text.mask, positions: text.positions)
    for (i, cache) in caches.enumerated() where text.kinds == nil {
      outputs["past_key_values.\(i).key"] = cache.entries.keys.swapped(1, 2)
      outputs["past_key_values.\(i).value"] = cache.entries.values.swapped(1, 2)
    }
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let text = try TextInputs(inputs, model)
    let states = model.hiddenStates(
      text.ids, kinds: text.kinds, mask: text.mask, positions: text.positions, phase)
    return try loss(inputs, model.logits(of: states.last!), text)
  }

  /// Of each token given those before; labels are the tokens themselves unless given.
  private func loss(_ inputs: ModelInputs, _ logits: Tensor, _ text: TextInputs)
    throws(PublishedError) -> Tensor
  {
    guard model.configuration.head != .none else {
      throw .input(name: "labels", problem: "the network has no head, so there is no loss")
    }
    let length = text.ids.shape[1]
    let labels = try inputs.ids("labels", below: logits.shape[2], default: text.ids)
    guard length > 1 else {
      throw .input(name: "input_ids", problem: "it has one token, which nothing comes before")
    }
    return crossEntropy(logits.sliced(1, 0..<(length - 1)), labels.sliced(1, 1..<length))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

/// What goes into a causal Transformer.
private struct TextInputs {
  let ids: Tensor
  /// bool, [batch, 1, 1, length].
  let mask: Tensor?
  let positions: Tensor?
  let kinds: Tensor?

  init(_ inputs: ModelInputs, _ model: GPT) throws(PublishedError) {
    let sizes = model.configuration
    ids = try inputs.ids("input_ids", below: sizes.vocabulary)
    if sizes.rotary == nil { try inputs.require("input_ids", ids.shape[1], atMost: sizes.context) }
    mask = try inputs.padding("attention_mask", like: ids)
    kinds =
      inputs["token_type_ids"] == nil || sizes.rotary != nil
      ? nil : try inputs.ids("token_type_ids", below: sizes.vocabulary, like: ids)
    positions =
      inputs["position_ids"] == nil
      ? nil
      : try inputs.ids(
        "position_ids", below: sizes.rotary == nil ? sizes.context : 1 << 24, like: ids)
  }
}

extension ModelInputs {
  /// Whole numbers [batch, length] within 0 ..< count, or −100 in labels.
  func ids(
    _ name: String, below count: Int, like other: Tensor? = nil, default value: Tensor? = nil
  ) throws(PublishedError) -> Tensor {
    guard tensors[name] != nil || value == nil else { return value! }
    let ids = try self(name, rank: 2)
    guard !ids.dataType.isFloatingPoint, ids.dataType != .bool else {
      throw .input(
        name: name, problem: "it has numbers of the type \(ids.dataType), not whole ones")
    }
    if let shape = (other ?? value)?.shape, shape != ids.shape {
      throw .input(name: name, problem: "its shape is \(ids.shape) instead of \(shape)")
    }
    guard ids.count > 0 else {
      throw .input(name: name, problem: "its shape is \(ids.shape), which holds nothing")
    }
    try check(ids, name, below: count) { $0 >= 0 || $0 == -100 && name == "labels" }
    return ids
  }

  /// Refuses numbers out of range. Where a program is traced there are none yet: whoever runs it sees to them.
  func check(_ numbers: Tensor, _ name: String, below count: Int, _ isFine: (Int) -> Bool)
    throws(PublishedError)
  {
    guard Evaluation.mode != .trace else { return }
    if let wrong = numbers.integers().first(where: { $0 >= count || !isFine($0) }) {
      throw .input(name: name, problem: "it has \(wrong), which is not within 0 ..< \(count)")
    }
  }

  /// Which places of sequences are tokens: 1 and 0 as bool, [batch, 1, 1, length]; nil where nothing says so.
  func padding(_ name: String, like ids: Tensor) throws(PublishedError) -> Tensor? {
    guard let mask = tensors[name] else { return nil }
    guard mask.shape == ids.shape else {
      throw .input(name: name, problem: "its shape is \(mask.shape) instead of \(ids.shape)")
    }
    return mask.cast(to: .bool).reshaped([ids.shape[0], 1, 1, ids.shape[1]])
  }

  func require(_ name: String, _ length: Int, atMost longest: Int) throws(PublishedError) {
    guard length <= longest else {
      throw .input(
        name: name, problem: "it has \(length) tokens, but the model can read \(longest)")
    }
  }
}

extension ModelConfiguration {
  /// Whether transformers wrote the file for one of these classes; without a class for the type alone.
  func isTransformers(_ type: String, _ classes: [String]) -> Bool {
    guard library == "transformers", values["model_type"]?.string ?? type == type else {
      return false
    }
    return architecture == type || classes.contains(architecture)
  }

  /// A positive number that keeps a norm from dividing by zero.
  func epsilon(_ name: String, default value: Double) throws(PublishedError) -> Double {
    let epsilon = try real(name, default: value)
    try require(0 <= epsilon && epsilon < 1, name, "is \(epsilon)", "it must be within 0 ..< 1")
    return epsilon
  }

  /// The token whose vector is not trained; negative ones count from the end, as in PyTorch.
  func padding(default value: Int?, vocabulary: Int) throws(PublishedError) -> Int? {
    guard has("pad_token_id") || (values["pad_token_id"] == nil && value != nil) else { return nil }
    let token = try integer("pad_token_id", default: value)
    try require(
      (-vocabulary..<vocabulary).contains(token), "pad_token_id", "is \(token)",
      "it must be a token, below \(vocabulary)")
    return token < 0 ? vocabulary + token : token
  }

  /// The deviation of the first weights.
  func deviation(_ name: String = "initializer_range", default value: Double = 0.02)
    throws(PublishedError) -> Double
  {
    let deviation = try real(name, default: value)
    try require(
      0 <= deviation && deviation <= 100, name, "is \(deviation)", "it must be within 0 ... 100")
    return deviation
  }

  /// Refuses a flag that asks for something else.
  func refuse(_ name: String, _ why: String) throws(PublishedError) {
    try require(try !bool(name, default: false), name, "is true", why)
  }
}

internal import Documents
internal import Layers
public import Tensors

extension ModelFolder {
  /// The network with its weights, to be trained further.
  ///
  /// - Parameters:
  ///   - classes: What a classifier is to tell apart; nil for a language model. Where their number differs from the
  ///     folder's, the head is new. A folder of transformers without a classifier becomes one: `BertForMaskedLM` is read
  ///     as `BertForSequenceClassification`.
  ///   - key: of a new head's first weights.
  /// - Throws: where the network is none of the kind, and what `model()` throws.
  public func tuned(for classes: [String]?, key: RandomKey) throws(PublishedError) -> TunedNetwork {
    guard let classes else {
      let network = try model()
      guard let writer = network as? any PublishedGenerator, writer.canWrite, !writer.hasEncoder
      else {
        throw .configuration(
          file: configuration.file,
          problem: "\(architecture.card.name) does not go on with texts",
          mend: "choose a language model that does, such as GPT-2, or data with classes")
      }
      return TunedNetwork(network, configuration)
    }
    for candidate in configuration.asClassifiers {
      guard let type = try? Architectures.architecture(of: candidate) else { continue }
      let labelled = candidate.labelled(classes)
      let network = try type.init(labelled, key: key)
      let wider = try type.init(candidate.labelled(classes + ["one more"]), key: key)
      let head = Self.differing(network, wider)
      guard !head.isEmpty else { continue }
      return try tuned(network, labelled, head, isOther: candidate.text != configuration.text)
    }
    throw .configuration(
      file: configuration.file, problem: "\(architecture.card.name) has no head for classes",
      mend: "choose a classifier; `apus models` lists networks")
  }

  private func tuned(
    _ network: any PublishedModel, _ labelled: ModelConfiguration, _ head: Set<String>,
    isOther: Bool
  ) throws(PublishedError) -> TunedNetwork {
    var network = network
    let old = try architecture.init(configuration, key: RandomKey(seed: 0))
    let resized = Self.differing(network, old)
    let renewed = try fill(&network) { isOther || resized.contains($0) }
    return TunedNetwork(network, labelled, head: head, renewed: renewed)
  }

  /// Names of the tensors of `network` that have another shape in `other`.
  private static func differing(_ network: any PublishedModel, _ other: any PublishedModel)
    -> Set<String>
  {
    let shapes = Dictionary(
      other.publishedLeaves().map { ($0.name, $0.tensor.shape) },
      uniquingKeysWith: { first, _ in first })
    return Set(
      network.publishedLeaves().filter { leaf in
        shapes[leaf.name].map { $0 != leaf.tensor.shape } ?? false
      }.map(\.name))
  }
}

extension PublishedGenerator {
  fileprivate var hasEncoder: Bool { Self.hasEncoder }
}

extension ModelConfiguration {
  /// The text of `config.json`.
  public var text: String { String(decoding: values.encoded(indented: true), as: UTF8.self) + "\n" }

  /// The names of the classes: those of transformers' `id2label`, of timm's `label_names`; nil where the file names none.
  public var classNames: [String]? {
    if let names = values["label_names"]?.elements { return names.compactMap(\.string) }
    guard let labels = values["id2label"]?.members else { return nil }
    return labels.sorted { (Int($0.name) ?? 0) < (Int($1.name) ?? 0) }.map {
      $0.value.string ?? $0.name
    }
  }

  /// The file itself, and transformers' classifiers of the same family.
  fileprivate var asClassifiers: [ModelConfiguration] {
    guard library == "transformers", has("architectures") else { return [self] }
    let endings = ["LMHeadModel", "Model"]
    let name = architecture
    let family =
      name.firstRange(of: "For").map { String(name[..<$0.lowerBound]) }
      ?? endings.first(where: name.hasSuffix).map { String(name.dropLast($0.count)) } ?? name
    return [self]
      + ["ForImageClassification", "ForSequenceClassification"].map {
        setting("architectures", .array([.string(family + $0)]))
      }
  }

  /// The same for these classes.
  fileprivate func labelled(_ classes: [String]) -> ModelConfiguration {
    guard library == "transformers" else {
      var changed = setting("num_classes", .integer(classes.count))
        .setting("label_names", .array(classes.map(JSONValue.string)))
      for name in ["arguments", "model_args"] {
        guard let part = values[name], part["num_classes"] != nil else { continue }
        changed = changed.setting(
          name, part.replacing("num_classes", by: .integer(classes.count)))
      }
      return changed
    }
    let places = classes.enumerated()
    return setting("num_labels", nil).setting("problem_type", nil)
      .setting(
        "id2label", .object(places.map { .init("\($0.offset)", .string($0.element)) })
      )
      .setting(
        "label2id", .object(places.map { .init($0.element, .integer($0.offset)) }))
  }

  private func setting(_ name: String, _ value: JSONValue?) -> ModelConfiguration {
    ModelConfiguration(values.replacing(name, by: value), file: file)
  }
}

extension JSONValue {
  /// The object with another value of a member; nil takes it out.
  fileprivate func replacing(_ name: String, by value: JSONValue?) -> JSONValue {
    var members = members ?? []
    let place = members.firstIndex { $0.name == name }
    if let place { members.remove(at: place) }
    if let value { members.insert(.init(name, value), at: place ?? members.count) }
    return .object(members)
  }
}

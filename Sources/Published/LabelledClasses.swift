internal import Documents
internal import Tensors

/// How many classes transformers' classifiers have, and what they minimise.
public struct LabelledClasses: Sendable {
  enum Problem: String, Sendable {
    case regression
    case single = "single_label_classification"
    case multiple = "multi_label_classification"
  }

  let count: Int
  /// nil: the number of classes and the labels decide.
  let problem: Problem?

  init(_ configuration: ModelConfiguration) throws(PublishedError) {
    let names = configuration.values["id2label"]?.members?.count
    count = try configuration.integer("num_labels", default: names ?? 2)
    try configuration.require(
      count >= 0 && count < 1 << 28, "num_labels", "is \(count)",
      "it must not be negative, and below 2^28")
    try configuration.require(
      (names ?? count) == count, "num_labels",
      "is \(count), but \"id2label\" names \(names ?? count)", "make them agree")
    guard configuration.has("problem_type") else {
      problem = nil
      return
    }
    let name = try configuration.text("problem_type")
    problem = Problem(rawValue: name)
    try configuration.require(
      problem != nil, "problem_type", "is \"\(name)\"",
      "it must be \"regression\", \"single_label_classification\" or \"multi_label_classification\""
    )
  }

  /// Of logits [batch, classes] and the input `labels`.
  func loss(_ logits: Tensor, _ inputs: ModelInputs) throws(PublishedError) -> Tensor {
    let labels = try inputs("labels")
    let usual: Problem =
      count == 1 ? .regression : labels.dataType.isFloatingPoint ? .multiple : .single
    let problem = problem ?? usual
    if problem == .single {
      return crossEntropy(
        logits, try inputs.classes("labels", below: logits.shape[1], batch: logits.shape[0]))
    }
    guard labels.count == logits.count else {
      throw .input(
        name: "labels", problem: "its shape is \(labels.shape) instead of \(logits.shape)")
    }
    let targets = labels.cast(to: logits.dataType).reshaped(logits.shape)
    return problem == .regression
      ? meanSquaredError(logits, targets) : binaryCrossEntropy(logits: logits, targets)
  }
}

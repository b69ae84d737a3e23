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
      names == nil || names == count, "num_labels", "is \(count), but \"id2label\" names \(names!)",
      "make them agree")
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

  /// - Parameter logits: [batch, classes].
  func loss(_ logits: Tensor, _ labels: Tensor) throws(PublishedError) -> Tensor {
    let isWhole = !labels.dataType.isFloatingPoint
    let problem = problem ?? (count == 1 ? .regression : isWhole ? .single : .multiple)
    let examples = logits.shape[0]
    let isFitting = labels.count == (problem == .single || count == 1 ? examples : logits.count)
    guard isFitting, problem != .single || isWhole else {
      throw .input(
        name: "labels",
        problem: "they are \(labels.shape) of \(labels.dataType), which does not fit "
          + "\(problem.rawValue) of \(logits.shape)")
    }
    switch problem {
    case .single: return crossEntropy(logits, labels.reshaped([examples]))
    case .regression:
      return meanSquaredError(logits, labels.cast(to: logits.dataType).reshaped(logits.shape))
    case .multiple:
      return binaryCrossEntropy(
        logits: logits, labels.cast(to: logits.dataType).reshaped(logits.shape))
    }
  }
}

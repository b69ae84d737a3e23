internal import Layers
internal import Tensors

/// A fixed piece of work whose time is measured: the same models, batches and losses as in the peers' scripts.
public struct Workload: Sendable {
  public enum Kind: String, Sendable {
    case train
    case infer
    case micro
  }

  public let name: String
  public let kind: Kind
  /// Items of one step.
  public let batch: Int
  /// Makes the model and its data; what it returns does one step at every call.
  public let start: @Sendable () -> Running

  /// A workload that is ready to run.
  public struct Running {
    /// Trained numbers.
    public let parameters: Int
    /// Two operations for each multiply-add of products, convolutions and attention in a forward pass, times three for
    /// training; normalisation and elementwise work are not counted.
    public let arithmetic: Double
    /// Does one step and gives the loss, computed.
    public let step: () -> Double
  }

  /// All workloads by the names that the peers' scripts use.
  public static let all: [Workload] = [
    mlp, lstm, gpt, residual, variational, diffusion,
  ]
}

/// A model in training on one batch.
struct Learner<Model: Module, Rule: Module>: Module {
  var model: Model
  var rule: Rule
  var key: RandomKey

  mutating func visit(_ visitor: inout Visitor) {
    visitor("model", &model)
    visitor("rule", &rule)
    visitor("key", &key)
  }
}

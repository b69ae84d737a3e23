internal import Layers
internal import Optimizers
internal import Tensors

extension Workload {
  /// A training workload: loss, gradient, clipping and update of one batch, the same batch at every step, new random numbers
  /// in each.
  static func training<Model: Module, Rule: Optimizer<Model>, Batch: Module>(
    _ name: String, batch: Int, clip: Double? = nil,
    model: @escaping @Sendable (RandomKey) -> Model, rule: @escaping @Sendable (Model) -> Rule,
    data: @escaping @Sendable (RandomKey) -> Batch,
    loss: @escaping @Sendable (inout Model, Batch, RandomKey) -> Tensor
  ) -> Workload {
    Workload(name: name, kind: .train, batch: batch) {
      let key = RandomKey(seed: 0)
      let start = model(key.fork(0)).evaluated()
      let batch = data(key.fork(1)).evaluated()
      let step = compiled { (state: inout Learner<Model, Rule>, batch: Batch) in
        var model = state.model
        let draws = state.key.fork(0)
        var (value, gradient) = valueAndGradient(updating: &model) { loss(&$0, batch, draws) }
        if let clip { gradient = gradient.clipped(toGlobalNorm: clip).gradient }
        state.model = model
        state.rule.update(&state.model, along: gradient)
        state.key = state.key.fork(1)
        return value
      }
      var state = Learner(model: start, rule: rule(start), key: key.fork(2))
      return Running(
        parameters: start.parameterCount, arithmetic: 3 * forwardArithmetic(start, batch, loss),
        step: { step(&state, batch).scalar })
    }
  }

  /// The arithmetic of one forward pass, counted in its program.
  private static func forwardArithmetic<Model: Module, Batch: Module>(
    _ model: Model, _ batch: Batch, _ loss: (inout Model, Batch, RandomKey) -> Tensor
  ) -> Double {
    Program.arithmetic {
      var copy = model
      return loss(&copy, batch, RandomKey(seed: 0))
    }
  }
}

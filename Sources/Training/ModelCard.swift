import Reports

/// The README.md of a checkpoint: what the model is, how good it is, how it was made.
struct ModelCard {
  private let method: Method
  private let state: TrainerState
  private let configuration: String

  init(_ method: Method, _ state: TrainerState, _ configuration: String) {
    self.method = method
    self.state = state
    self.configuration = configuration
  }

  var text: String {
    let measured = state.metrics.map { metric in
      let error = metric.error.map { " ± \($0)" } ?? ""
      return "| \(metric.name) | \(metric.value)\(error) | \(metric.unit) | \(metric.kind.word) |\n"
    }
    let table =
      measured.isEmpty
      ? "Not measured yet.\n"
      : "| measure | value | unit | kind |\n|---|---|---|---|\n" + measured.joined()
    return """
      ---
      library_name: apus
      tags: [apus, \(method.name)]
      ---
      # \(method.title)

      \(method.idea)

      Trained on \(method.data) by the recipe `\(method.name)`, \(state.step) of \(state.steps) \
      steps, seed \(state.seed).

      ## Measured on held-out data

      \(table)
      ## Settings

      ```yaml
      \(configuration)```

      `model.safetensors` holds the model, `ema.safetensors` its moving average under the same \
      names where there is one; `optimizer.safetensors` and `trainer_state.json` let the training \
      go on.

      """
  }
}

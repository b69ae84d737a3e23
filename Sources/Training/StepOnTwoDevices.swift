internal import Layers
public import Tensors

/// One training step of a recipe on two devices.
public struct StepOnTwoDevices: Sendable {
  /// The loss on the one and on the other.
  public let losses: (Double, Double)
  /// The first operation whose values differ by more than the tolerance; nil where there is none.
  public let difference: ComputationDifference?
}

extension Recipe {
  /// Does the first training step on two devices and compares the value of every operation.
  /// - Parameter tolerance: relative to the largest element of a value.
  /// - Throws: `TrainingError`, also where a device refuses the step.
  public static func compareStep(
    _ request: TrainingRequest, on a: Device, and b: Device, tolerance: Double
  ) throws(TrainingError) -> StepOnTwoDevices {
    let configuration = try request.configuration(Self.self)
    let recipe = try configuration.recipe(Self.self)
    let data = try configuration.data(of: recipe)
    let key = RandomKey(seed: configuration.seed)
    let order = BatchOrder(
      of: data.training, batchSize: configuration.settings.batchSize, seed: configuration.seed)
    var state = recipe.start(data, key.fork(Purpose.start))
    recipe.prepare(&state, step: 0)
    state = state.evaluated()
    let input = StepInput(data.training.batch(order.indices(step: 0)), key, step: 0)
    let step = Trainer<Self>.compiledStep(recipe)
    do {
      let losses = try [a, b].map { device in
        var state = state
        return try step(&state, input, on: device)["loss"]?.scalar ?? .nan
      }
      return StepOnTwoDevices(
        losses: (losses[0], losses[1]),
        difference: try step.firstDifference(
          state, input, between: a, and: b, tolerance: tolerance))
    } catch {
      throw .device(error)
    }
  }
}

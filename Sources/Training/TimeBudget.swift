import Layers
import Tensors

/// Finds out how many steps fit into a time, by making some that are thrown away.
struct TimeBudget {
  /// For the whole run, data, measurements and samples included.
  let seconds: Double
  let began: ContinuousClock.Instant

  /// The share of the time that measurements may take.
  private static let evaluationShare = 0.25

  /// How much longer than asked a run may take before it ends early.
  private static let tolerance = 1.05

  /// Sets the number of steps, and the intervals of measurements and samples where the user left
  /// them open.
  ///
  /// - Returns: When the last step must be made, should the machine turn out slower than measured.
  func fit<R: Recipe>(
    _ configuration: inout Configuration<R.Settings>, _ recipe: R, _ data: DataSplit<R.Data>
  ) -> ContinuousClock.Instant {
    let settings = configuration.settings
    let key = RandomKey(seed: configuration.seed)
    var state = recipe.start(data, key.fork(Purpose.start))
    let step = Trainer<R>.compiledStep(recipe)
    let order = BatchOrder(
      of: data.training, batchSize: settings.batchSize, seed: configuration.seed)
    func advance(_ number: Int) {
      recipe.prepare(&state, step: number)
      let input = StepInput(data.training.batch(order.indices(step: number)), key, step: number)
      for value in step(&state, input).values { _ = value.scalar }
    }
    // The first step is compiled, and will be again; the second warms the caches.
    let compilation = time { advance(0) }
    advance(1)
    var count = 0
    let start = ContinuousClock.now
    repeat {
      advance(2 + count)
      count += 1
    } while (ContinuousClock.now - start).inSeconds < 0.02 * seconds
    let perStep = (ContinuousClock.now - start).inSeconds / Double(count)
    let perEvaluation = time {
      _ = recipe.evaluate(state, data, key.fork(Purpose.evaluation))
    }
    let perDrawing = time { _ = recipe.figures(state, data, key.fork(Purpose.figures)) }

    let left = seconds - (ContinuousClock.now - began).inSeconds - compilation
    let evaluations = Self.count(10, each: perEvaluation, of: left)
    let drawings = Self.count(5, each: perDrawing, of: left)
    let test = Double(data.test?.count ?? 0) / Double(max(1, data.heldOut.count)) * perEvaluation
    let spent = Double(evaluations) * perEvaluation + Double(drawings) * perDrawing + test
    let steps = max(1, Int(max(0, left - spent) / perStep))
    configuration.change(steps: steps) { loop in
      loop.evaluateEvery = loop.evaluateEvery ?? (steps + evaluations - 1) / evaluations
      loop.sampleEvery = loop.sampleEvery ?? (steps + drawings - 1) / drawings
    }
    return began
      + .seconds(max(0, Self.tolerance * seconds - perEvaluation - test - perDrawing))
  }

  private static func count(_ wanted: Int, each cost: Double, of left: Double) -> Int {
    max(1, min(wanted, Int(evaluationShare * max(0, left) / max(cost, 1e-9))))
  }

  private func time(_ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    body()
    return (ContinuousClock.now - start).inSeconds
  }
}

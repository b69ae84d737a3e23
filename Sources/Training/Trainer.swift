import Checkpoints
import Foundation
import Layers
import Reports
import Tensors

/// The loop: steps, measurements, samples, checkpoints, and the files that tell of them.
final class Trainer<R: Recipe> {
  let recipe: R
  let configuration: Configuration<R.Settings>
  let data: DataSplit<R.Data>
  let files: RunFiles
  let checkpoint: RecipeCheckpoint<R>
  let order: BatchOrder
  let key: RandomKey

  var state: R.State
  var trainer: TrainerState
  /// What to say before the first step.
  var messages: [String] = []
  let began: ContinuousClock.Instant

  private let step: CompiledStep<R.State, StepInput<R.Data.Batch>, [String: Tensor]>

  var settings: R.Settings { configuration.settings }
  var loop: LoopSettings { configuration.loop }

  /// A new run.
  convenience init(_ request: TrainingRequest) throws(TrainingError) {
    let began = ContinuousClock.now
    var configuration = try request.configuration(R.self)
    if request.overwrites { RunFiles.remove(request.folder) }
    try RunFiles.requireUnused(request.folder)
    var recipe = try Self.recipe(configuration.settings)
    let data = try Self.data(of: recipe)
    if let seconds = request.seconds {
      let budget = TimeBudget(seconds: seconds, began: began)
      budget.fit(&configuration, recipe, data)
      recipe = try Self.recipe(configuration.settings)
    }
    let steps = configuration.settings.steps
    configuration.change { $0 = $0.resolved(steps: steps) }
    let files = try RunFiles(
      creating: request.folder, configuration: configuration.yaml, command: request.command)
    try self.init(recipe, configuration, data, files, began)
  }

  /// An old run, with the state of its newest checkpoint that can be read.
  convenience init(resuming folder: URL, steps: Int? = nil) throws(TrainingError) {
    let began = ContinuousClock.now
    let run = try Run(folder)
    guard run.recipe == R.method.name else {
      throw .otherRecipe(folder: folder.path, its: run.recipe, asked: R.method.name)
    }
    var configuration = Configuration(
      recipe: R.method.name, settings: R.defaults, loop: R.loop, seed: 0)
    let file = folder.appendingPathComponent(Run.Files.configuration)
    let text = FileManager.default.contents(atPath: file.path) ?? Foundation.Data()
    try configuration.apply(yaml: String(decoding: text, as: UTF8.self), file: file.path)
    configuration.change(steps: steps)
    let recipe = try Self.recipe(configuration.settings)
    let files = try RunFiles(
      opening: folder, configuration: steps == nil ? nil : configuration.yaml)
    try self.init(recipe, configuration, Self.data(of: recipe), files, began)
    try restore()
  }

  private init(
    _ recipe: R, _ configuration: Configuration<R.Settings>, _ data: DataSplit<R.Data>,
    _ files: RunFiles, _ began: ContinuousClock.Instant
  ) throws(TrainingError) {
    self.recipe = recipe
    self.configuration = configuration
    self.data = data
    self.files = files
    self.began = began
    key = RandomKey(seed: configuration.seed)
    state = recipe.start(data, key.fork(Purpose.start))
    checkpoint = RecipeCheckpoint(recipe, state)
    order = BatchOrder(
      count: data.training.count, batchSize: configuration.settings.batchSize,
      seed: configuration.seed)
    trainer = TrainerState(
      recipe: R.method.name, step: 0, steps: configuration.settings.steps, epoch: 0,
      seed: configuration.seed)
    step = Self.compiledStep(recipe)
  }

  static func compiledStep(
    _ recipe: R
  ) -> CompiledStep<R.State, StepInput<R.Data.Batch>, [String: Tensor]> {
    compiled { (state: inout R.State, input: StepInput<R.Data.Batch>) in
      recipe.step(&state, input.batch, input.key.fork(Purpose.step).fork(input.step))
    }
  }

  private static func recipe(_ settings: R.Settings) throws(TrainingError) -> R {
    do { return try R(settings) } catch { throw .refused(error) }
  }

  private static func data(of recipe: R) throws(TrainingError) -> DataSplit<R.Data> {
    do { return try recipe.data() } catch { throw .data(error) }
  }

  /// Takes the newest checkpoint that can be read; damaged ones are named and passed over.
  private func restore() throws(TrainingError) {
    let store = files.checkpoints
    var problems: [String] = []
    for number in store.steps.reversed() {
      let folder = store.folder(number)
      do {
        let saved = try TrainerState(folder: folder)
        state = try checkpoint.load(folder, into: state)
        trainer = saved
        trainer.steps = settings.steps
        trainer.isFinished = false
        messages += problems.map { "\($0); going on from \(CheckpointStore.name(number))" }
        return
      } catch {
        problems.append("\(error)")
      }
    }
    guard problems.isEmpty else {
      throw .noCheckpoint(folder: files.url.path, problems: problems)
    }
    messages.append("there was no checkpoint yet; beginning again")
  }

  // MARK: Running

  /// Runs to the end, or until it is asked to stop.
  func run(
    stop: StopRequest, report: (TrainingEvent) -> Void
  ) throws(TrainingError) -> TrainingSummary {
    var logs = try RunLogs(files, resumingAfter: trainer.step)
    let first = trainer.step
    report(
      .start(
        .init(
          recipe: R.method.name, run: files.url.path, step: first, steps: settings.steps,
          parameters: recipe.export(state).model.parameterCount)))
    for message in messages {
      logs.say(message)
      report(.message(message))
    }
    var meter = Meter(steps: settings.steps, batchSize: settings.batchSize, step: first)
    var isFinished = first >= settings.steps
    if isFinished && (first == 0 || !files.checkpoints.steps.contains(first)) {
      try save(&logs, report)
    }
    while !isFinished && !stop.isRequested {
      let values = try advance(&logs)
      report(.step(meter.record(trainer, values)))
      try logs.write(trainer, values, meter, everyStep: loop.logEvery)
      let isLast = trainer.step == settings.steps
      var isBest = false
      if isLast || trainer.step.isDue(loop.evaluateEvery) {
        isBest = try evaluate(&logs, report)
      }
      isFinished = isLast || isOutOfPatience
      if isFinished || trainer.step.isDue(loop.sampleEvery) { try draw(report) }
      trainer.isFinished = isFinished
      let isDue =
        trainer.step.isDue(loop.checkpointEvery) || meter.isSaveDue(loop.checkpointSeconds)
      if isFinished || isBest || isDue || stop.isRequested {
        try save(&logs, report)
        meter.saved()
      }
    }
    let summary = TrainingSummary(
      run: files.url.path, step: trainer.step, isFinished: isFinished, metrics: trainer.metrics,
      seconds: (ContinuousClock.now - began).inSeconds, peakMemory: ResidentMemory.peak)
    try logs.end(summary)
    report(.end(summary))
    return summary
  }

  private var isOutOfPatience: Bool {
    loop.patience.map { trainer.stalledEvaluations >= $0 } ?? false
  }

  /// Makes one step and reads its numbers.
  private func advance(_ logs: inout RunLogs) throws(TrainingError) -> [String: Double] {
    let number = trainer.step
    let indices = order.indices(step: number)
    recipe.prepare(&state, step: number)
    let results = step(&state, StepInput(data.training.batch(indices), key, step: number))
    let values = results.mapValues(\.scalar)
    guard values["loss"] != nil else {
      fail("\(R.method.name): the step gives \(values.keys.sorted()), but no \"loss\"")
    }
    trainer.step = number + 1
    trainer.epoch = order.epoch(after: number + 1)
    trainer.learningRate = recipe.learningRate(at: number)
    for name in ["loss", "grad_norm"] where values[name]?.isFinite == false {
      let store = files.checkpoints
      let failure = TrainingError.NotFinite(
        recipe: R.method.name, quantity: name, step: number + 1, indices: indices,
        lastGood: store.steps.last.map { store.folder($0).path }, folder: files.url.path)
      try logs.fail(failure)
      throw .notFinite(failure)
    }
    return values
  }

  /// Measures; whether the goal's value is the best so far.
  private func evaluate(
    _ logs: inout RunLogs, _ report: (TrainingEvent) -> Void
  ) throws(TrainingError) -> Bool {
    // The same draws at every measurement, so that the values can be compared.
    let metrics = recipe.evaluate(state, data, key.fork(Purpose.evaluation))
    trainer.metrics = metrics
    try logs.write(metrics, step: trainer.step)
    report(.evaluation(step: trainer.step, metrics: metrics))
    guard let value = metrics.first?.value, value.isFinite else { return false }
    let isBetter = trainer.best.map { best in
      R.method.goal.isBetterWhenLarger ? value > best.value : value < best.value
    }
    guard isBetter ?? true else {
      trainer.stalledEvaluations += 1
      return false
    }
    trainer.best = .init(step: trainer.step, value: value)
    trainer.stalledEvaluations = 0
    return true
  }

  private func draw(_ report: (TrainingEvent) -> Void) throws(TrainingError) {
    let figures = recipe.figures(state, data, key.fork(Purpose.figures))
    guard !figures.isEmpty else { return }
    try files.attempt { () throws(CheckpointError) in
      try Samples(files.url).write(figures, step: trainer.step)
    }
    report(.figures(step: trainer.step, figures))
  }

  private func save(
    _ logs: inout RunLogs, _ report: (TrainingEvent) -> Void
  ) throws(TrainingError) {
    // What the checkpoint belongs to must not be lost before it.
    try logs.synchronize()
    let card = ModelCard(R.method, trainer, configuration.yaml).text
    let store = files.checkpoints
    try files.attempt { () throws(CheckpointError) in
      try store.write(step: trainer.step, checkpoint.files(recipe, state, trainer, card: card))
      try store.link("last", to: trainer.step)
      let best = trainer.best?.step
      if let best, store.steps.contains(best) { try store.link("best", to: best) }
      try store.prune(keepingNewest: loop.keep, and: Set([best].compactMap(\.self)))
    }
    report(.checkpoint(step: trainer.step, path: store.folder(trainer.step).path))
  }
}

extension Duration {
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

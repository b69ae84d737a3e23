import Checkpoints
import Foundation
import Layers
import Reports
import Tensors

/// The loop: steps, measurements, samples, checkpoints, and the files that tell of them.
final class Trainer<R: Recipe> {
  let recipe: R
  private(set) var configuration: Configuration<R.Settings>
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
  /// When a timed run must make its last step.
  private var deadline: ContinuousClock.Instant?

  private let step: CompiledStep<R.State, StepInput<R.Data.Batch>, [String: Tensor]>

  var settings: R.Settings { configuration.settings }
  var loop: LoopSettings { configuration.loop }

  /// A new run.
  convenience init(_ request: TrainingRequest) throws(TrainingError) {
    let began = ContinuousClock.now
    var configuration = try request.configuration(R.self)
    if request.overwrites { RunFiles.remove(request.folder) }
    try RunFiles.requireUnused(request.folder)
    var recipe = try configuration.recipe(R.self)
    let data = try configuration.data(of: recipe)
    var deadline: ContinuousClock.Instant?
    if let seconds = request.seconds {
      deadline = TimeBudget(seconds: seconds, began: began).fit(&configuration, recipe, data)
      recipe = try configuration.recipe(R.self)
    }
    let steps = configuration.settings.steps
    configuration.change { $0 = $0.resolved(steps: steps) }
    let files = try RunFiles(
      creating: request.folder, configuration: configuration.yaml, command: request.command)
    try self.init(recipe, configuration, data, files, began)
    self.deadline = deadline
  }

  /// An old run, with the state of its newest checkpoint that can be read.
  convenience init(resuming folder: URL, steps: Int? = nil) throws(TrainingError) {
    let began = ContinuousClock.now
    let run = try Run(folder)
    guard run.recipe == R.method.name else {
      throw .otherRecipe(folder: folder.path, its: run.recipe, asked: R.method.name)
    }
    var configuration = try Configuration<R.Settings>(
      R.self, file: folder.appendingPathComponent(Run.Files.configuration))
    // Who asks for another end wants no other.
    configuration.change(steps: steps) { if steps != nil { $0.stopAfter = nil } }
    let recipe = try configuration.recipe(R.self)
    let data = try configuration.data(of: recipe)
    let files = try RunFiles(
      opening: folder, configuration: steps == nil ? nil : configuration.yaml)
    try self.init(recipe, configuration, data, files, began)
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
    try Self.requireMemory(state)
    checkpoint = RecipeCheckpoint(recipe, state)
    order = BatchOrder(
      of: data.training, batchSize: configuration.settings.batchSize, seed: configuration.seed)
    trainer = TrainerState(
      recipe: R.method.name, step: 0, steps: configuration.settings.steps, epoch: 0,
      seed: configuration.seed)
    step = Self.compiledStep(recipe)
  }

  /// Nothing is computed yet: weights that cannot fit are refused before the system ends the program.
  private static func requireMemory(_ state: R.State) throws(TrainingError) {
    let bytes = state.tensors.reduce(0) { $0 + $1.type.byteCount }
    let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    if bytes > memory { throw .refused(TooLarge(bytes: bytes, memory: memory)) }
  }

  private struct TooLarge: Error, CustomStringConvertible {
    let bytes: Int
    let memory: Int
    var description: String {
      "weights and optimizer take \(Wording.bytes(bytes)), this machine has \(Wording.bytes(memory)) of memory; "
        + "choose smaller sizes."
    }
  }

  static func compiledStep(
    _ recipe: R
  ) -> CompiledStep<R.State, StepInput<R.Data.Batch>, [String: Tensor]> {
    compiled { (state: inout R.State, input: StepInput<R.Data.Batch>) in
      recipe.step(&state, input.batch, input.key.fork(Purpose.step).fork(input.step))
    }
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
          parameters: state.parameterCount)))
    for message in recipe.remarks + messages {
      logs.say(message)
      report(.message(message))
    }
    var meter = Meter(steps: settings.steps, batchSize: settings.batchSize, step: first)
    var isFinished = first >= lastStep
    if isFinished && (first == 0 || !files.checkpoints.steps.contains(first)) {
      try save(&logs, report)
    }
    while !isFinished && !stop.isRequested {
      let values = try advance(&logs)
      report(.step(meter.record(trainer, values)))
      try logs.write(trainer, values, meter, everyStep: loop.logEvery)
      try keepTime()
      let isLast = trainer.step >= lastStep
      var isBest = false
      if isLast || trainer.step.isDue(loop.evaluateEvery) {
        isBest = try evaluate(&logs, report)
      }
      isFinished = isLast || isOutOfPatience
      if isFinished { try evaluateAtEnd(&logs) }
      if isFinished || trainer.step.isDue(loop.sampleEvery) {
        try draw(isFinished ? data.atEnd : data, report)
      }
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

  /// The step after which the run ends, if patience does not end it before.
  private var lastStep: Int { min(settings.steps, loop.stopAfter ?? settings.steps) }

  /// Ends a timed run whose time is over. The step is kept among the settings before anything else, so that the run is
  /// the same when it is resumed or made again.
  private func keepTime() throws(TrainingError) {
    guard let deadline, trainer.step < lastStep, ContinuousClock.now >= deadline else { return }
    let step = trainer.step
    configuration.change { $0.stopAfter = step }
    try files.write(Array(configuration.yaml.utf8), Run.Files.configuration)
  }

  private var isOutOfPatience: Bool {
    loop.patience.map { trainer.stalledEvaluations >= $0 } ?? false
  }

  /// Makes one step and reads its numbers.
  private func advance(_ logs: inout RunLogs) throws(TrainingError) -> [String: Double] {
    let number = trainer.step
    let indices = order.indices(step: number)
    recipe.prepare(&state, step: number)
    let input = StepInput(data.training.batch(indices), key, step: number)
    let results: [String: Tensor]
    do {
      results = try step(&state, input, on: .current)
    } catch {
      throw .device(error)
    }
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
    try logs.write(metrics, "eval", step: trainer.step)
    report(.evaluation(step: trainer.step, metrics: metrics))
    guard let value = metrics.first?.value, value.isFinite else { return false }
    let isBetter = trainer.best.map { best in
      recipe.goal.isBetterWhenLarger ? value > best.value : value < best.value
    }
    guard isBetter ?? true else {
      trainer.stalledEvaluations += 1
      return false
    }
    trainer.best = .init(step: trainer.step, value: value)
    trainer.stalledEvaluations = 0
    return true
  }

  /// Measures a finished run on data that nothing was chosen by.
  private func evaluateAtEnd(_ logs: inout RunLogs) throws(TrainingError) {
    guard data.test != nil else { return }
    trainer.metrics = recipe.evaluate(state, data.atEnd, key.fork(Purpose.evaluation))
    try logs.write(trainer.metrics, "test", step: trainer.step)
  }

  private func draw(
    _ data: DataSplit<R.Data>, _ report: (TrainingEvent) -> Void
  ) throws(TrainingError) {
    let figures = recipe.figures(state, data, key.fork(Purpose.figures))
    guard !figures.isEmpty else { return }
    let origin = PictureOrigin(
      recipe: R.method.name, checkpoint: "", seed: configuration.seed, content: .figure(1),
      settings: configuration.yaml)
    try files.attempt { () throws(CheckpointError) in
      try Samples(files.url).write(figures, step: trainer.step, origin)
    }
    report(.figures(step: trainer.step, figures))
  }

  private func save(
    _ logs: inout RunLogs, _ report: (TrainingEvent) -> Void
  ) throws(TrainingError) {
    // What the checkpoint belongs to must not be lost before it.
    try logs.synchronize()
    let store = files.checkpoints
    let content = checkpoint.files(recipe, state, trainer, configuration: configuration.yaml)
    try files.attempt { () throws(CheckpointError) in
      try store.write(step: trainer.step, content)
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

import ArgumentParser
import Documents
import Foundation
import Recipes
import Reports
import Training

struct TrainCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a model by a recipe, or goes on with a run.",
    discussion: """
      A run is a folder with its configuration, measurements, samples and checkpoints. Ctrl-C saves \
      a checkpoint and stops after the step; a run that is resumed ends with the same bits as one \
      that was never interrupted.

      Settings are taken from --set, else from the environment, else from the --config files, else \
      from the recipe. The settings of a run are in its config.yaml, which --config takes.
      """)

  @Argument(help: "The recipe, as in 'apus train --list'.", completion: recipeNames)
  var recipe: String?

  @Flag(help: "List the recipes.")
  var list = false

  @Option(help: "Go on with the run in this folder.", completion: .directory)
  var resume: String?

  @Option(
    help: "The run's folder (default: runs/RECIPE-DATE-TIME, or APUS_OUT).",
    completion: .directory)
  var out: String?

  @Option(help: "Updates of the whole run (default: the recipe's, or APUS_STEPS).")
  var steps: Int?

  @Option(
    help: "Seconds for the whole run: takes as many steps as fit (default: no limit).")
  var seconds: Double?

  @Option(
    help: "The folder of published weights to go on from; the same as --set model=FOLDER.",
    completion: .directory)
  var model: String?

  @Option(help: "A name of data, a folder or a file; the same as --set data=DATA.")
  var data: String?

  @Option(
    help: "A setting as key=value, such as learning_rate=1e-4; may be repeated.")
  var set: [String] = []

  @Option(
    help: "A YAML file of settings; later files count more (default: none, or APUS_CONFIG).",
    completion: .file(extensions: ["yaml", "yml"]))
  var config: [String] = []

  @Flag(help: "Replace a run that is in the folder.")
  var overwrite = false

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    let modes = (recipe == nil ? 0 : 1) + (list ? 1 : 0) + (resume == nil ? 0 : 1)
    guard modes == 1 else {
      throw ValidationError("give a recipe, --list or --resume RUN, and only one of them")
    }
    if let steps, steps < 0 { throw ValidationError("--steps \(steps) is negative") }
    if let seconds, !(seconds > 0 && seconds < 1e9) {
      throw ValidationError("--seconds \(seconds) is no positive time")
    }
    if steps != nil && seconds != nil {
      throw ValidationError("--steps and --seconds exclude each other")
    }
    guard resume != nil else { return }
    if out != nil || seconds != nil || overwrite || !set.isEmpty || !config.isEmpty
      || model != nil || data != nil || compute.seed != nil
    {
      throw ValidationError("a run that is resumed keeps its settings; only --steps may change")
    }
  }

  func execute(_ console: Console) throws {
    if list { return try listRecipes(console) }
    try compute.run(console) { try train(console) }
  }

  private func train(_ console: Console) throws {
    let progress = TrainingProgress(console)
    let summary = try StopRequest.onSignals(notice: TrainingProgress.stopping) { stop in
      try train(stop, progress)
    }
    try progress.close()
    if !summary.isFinished { try interrupted(summary, console) }
  }

  private func train(
    _ stop: StopRequest, _ progress: TrainingProgress
  ) throws -> TrainingSummary {
    if let resume {
      let run = try existingRun(resume)
      return try Recipes.named(run.recipe).resume(
        run.url, steps: steps, stop: stop, report: progress.show)
    }
    let recipe = try Recipes.named(recipe ?? "")
    return try recipe.train(request(recipe), stop: stop, report: progress.show)
  }

  private func request(_ recipe: any Recipe.Type) throws -> TrainingRequest {
    let name = recipe.method.name
    let folder = try resolved(out, "OUT").map { URL(fileURLWithPath: $0) }
    let files = config.isEmpty ? try resolved(nil, "CONFIG").map { [$0] } ?? [] : config
    return TrainingRequest(
      folder: folder ?? Run.folder(for: name, in: URL(fileURLWithPath: "runs")),
      configurations: files.map { URL(fileURLWithPath: $0) }, assignments: named + set,
      seed: try compute.chosenSeed(),
      steps: seconds == nil ? try resolved(steps, "STEPS") : nil, seconds: seconds,
      overwrites: overwrite, command: ["apus"] + CommandLine.arguments.dropFirst())
  }

  /// The settings that have options of their own; folders and files by their whole path, so that the run can go on from
  /// anywhere.
  private var named: [String] {
    [("model", model), ("data", data)].compactMap { name, value in
      guard let value else { return nil }
      let isPath = FileManager.default.fileExists(atPath: value)
      return "\(name)=" + (isPath ? URL(fileURLWithPath: value).standardizedFileURL.path : value)
    }
  }

  private func interrupted(_ summary: TrainingSummary, _ console: Console) throws {
    // For programs the last line is the event "interrupted".
    if console.json { throw ExitCode(Failure.Kind.interrupted.exitCode) }
    let steps = (try? Run(URL(fileURLWithPath: summary.run)).steps).map(Wording.count) ?? "all"
    throw Failure(
      .interrupted,
      "stopped at step \(Wording.count(summary.step)) of \(steps), checkpoint saved.",
      attempts: ["apus train --resume \(summary.run)"], attemptLabel: "go on")
  }

  private func listRecipes(_ console: Console) throws {
    let methods = Recipes.all.map { $0.method }
    if console.json {
      for method in methods {
        try console.result(
          .object([
            .init("name", .string(method.name)), .init("title", .string(method.title)),
            .init("family", .string(method.family)), .init("data", .string(method.data)),
            .init("unit", .string(method.goal.unit)),
            .init("kind", .string(method.goal.kind.rawValue)), .init("idea", .string(method.idea)),
          ]))
      }
      return
    }
    var table = Columns(.left, .left, .left, .left)
    table.add("recipe", "method", "data", "measured in")
    for method in methods {
      table.add(method.name, method.title, method.data, method.goal.unit)
    }
    var lines = table.lines
    lines[0] = console.output.paint(lines[0], .dim)
    try console.result(lines.joined(separator: "\n"))
  }
}

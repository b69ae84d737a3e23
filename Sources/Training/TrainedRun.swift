import Checkpoints
import Foundation
public import Reports
import Tensors

extension Recipe {
  /// Measures the newest checkpoint of a run on the held-out data. The run itself stays as it is;
  /// the measurement at the run's end gives the same values.
  public static func evaluate(_ run: Run) throws(TrainingError) -> [Metric] {
    let trained = try TrainedRun<Self>(run)
    return trained.recipe.evaluate(
      trained.state, trained.data, RandomKey(seed: run.seed).fork(Purpose.evaluation))
  }

  /// Lets the newest checkpoint of a run make what it makes: pictures, texts, sound.
  ///
  /// - Parameters:
  ///   - seed: The same seed gives the same figures.
  ///   - make: Takes one set of figures after the other; false ends it.
  public static func draw(
    _ run: Run, seed: UInt64, _ make: ([Figure]) -> Bool
  ) throws(TrainingError) {
    let trained = try TrainedRun<Self>(run)
    var round = 0
    var key: RandomKey { RandomKey(seed: seed).fork(Purpose.figures).fork(round) }
    while make(trained.recipe.figures(trained.state, trained.data, key)) { round += 1 }
  }
}

/// A run's recipe with its data and the state of its newest checkpoint that can be read.
private struct TrainedRun<R: Recipe> {
  let recipe: R
  let data: DataSplit<R.Data>
  let state: R.State

  init(_ run: Run) throws(TrainingError) {
    guard run.recipe == R.method.name else {
      throw .otherRecipe(folder: run.url.path, its: run.recipe, asked: R.method.name)
    }
    var configuration = Configuration(
      recipe: R.method.name, settings: R.defaults, loop: R.loop, seed: 0)
    let file = run.url.appendingPathComponent(Run.Files.configuration)
    let text = FileManager.default.contents(atPath: file.path) ?? Foundation.Data()
    try configuration.apply(yaml: String(decoding: text, as: UTF8.self), file: file.path)
    do { recipe = try R(configuration.settings) } catch { throw .refused(error) }
    do { data = try recipe.data() } catch { throw .data(error) }
    let start = recipe.start(data, RandomKey(seed: run.seed).fork(Purpose.start))
    let checkpoint = RecipeCheckpoint(recipe, start)
    var problems: [String] = []
    for step in run.checkpoints.steps.reversed() {
      do {
        state = try checkpoint.load(run.checkpoints.folder(step), into: start)
        return
      } catch {
        problems.append("\(error)")
      }
    }
    throw .noCheckpoint(folder: run.url.path, problems: problems)
  }
}

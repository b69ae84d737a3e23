import Checkpoints
public import Foundation
import Images
import Layers
public import Reports
import Tensors

/// A trained model on the disk: a run, by its newest checkpoint that can be read, or one checkpoint's folder.
public struct TrainedModel: Sendable {
  /// The recipe's name.
  public let recipe: String
  let seed: UInt64
  let folder: URL
  /// The file with the settings.
  let settings: URL
  /// Folders of checkpoints, the best choice first.
  let checkpoints: [URL]

  public init(_ run: Run) {
    let store = run.checkpoints
    self.init(
      recipe: run.recipe, seed: run.seed, folder: run.url,
      settings: run.url.appendingPathComponent(Run.Files.configuration),
      checkpoints: store.steps.reversed().map { store.folder($0) })
  }

  /// A checkpoint's folder, wherever it lies; a run's folder is taken as that run.
  public init(folder: URL) throws(TrainingError) {
    let file = folder.appendingPathComponent(Self.settingsFile)
    guard FileManager.default.fileExists(atPath: file.path) else {
      do { self.init(try Run(folder)) } catch {
        throw .notARun(
          folder: folder.path,
          problem: "it has neither a checkpoint's \(Self.settingsFile) nor a run's config.yaml")
      }
      return
    }
    let head = try Run.head(of: file)
    self.init(
      recipe: head.recipe, seed: head.seed, folder: folder, settings: file, checkpoints: [folder])
  }

  private init(recipe: String, seed: UInt64, folder: URL, settings: URL, checkpoints: [URL]) {
    self.recipe = recipe
    self.seed = seed
    self.folder = folder
    self.settings = settings
    self.checkpoints = checkpoints
  }

  /// The settings of its recipe, as the text of their file.
  public var settingsText: String? { try? String(contentsOf: settings, encoding: .utf8) }

  /// A checkpoint's copy of its run's configuration, by which it can be used without the run.
  static let settingsFile = "recipe.yaml"
}

extension Recipe {
  /// Measures a model on the test data, or on the held-out ones where there are no others. The measurement at the end of
  /// its run gives the same values.
  ///
  /// - Parameter warn: Takes what a user should know: a damaged checkpoint that was passed over.
  public static func evaluate(
    _ model: TrainedModel, warn: (String) -> Void = { _ in }
  ) throws(TrainingError) -> [Metric] {
    let loaded = try LoadedModel<Self>(model, warn)
    let key = RandomKey(seed: model.seed).fork(Purpose.evaluation)
    return loaded.recipe.evaluate(loaded.state, loaded.data.atEnd, key)
  }

  /// A trained model with its recipe, for recipes that build on others: teachers.
  public static func load(
    _ model: TrainedModel, warn: (String) -> Void = { _ in }
  ) throws(TrainingError) -> (recipe: Self, state: State) {
    let loaded = try LoadedModel<Self>(model, warn)
    return (loaded.recipe, loaded.state)
  }

  /// Lets a model make so many pictures or texts; nil where its method makes none.
  ///
  /// - Parameters:
  ///   - prompt: The text to go on with; only for recipes that take prompts.
  ///   - seed: The same seed gives the same samples.
  ///   - loaded: Takes the folder of the checkpoint that was read.
  public static func sample(
    _ model: TrainedModel, prompt: String? = nil, count: Int, seed: UInt64,
    warn: (String) -> Void = { _ in }, loaded report: (URL) -> Void = { _ in }
  ) throws(TrainingError) -> SampleBatch? {
    let loaded = try LoadedModel<Self>(model, warn)
    report(loaded.checkpoint)
    let key = RandomKey(seed: seed).fork(Purpose.figures)
    return loaded.recipe.samples(
      loaded.state, SampleRequest(prompt: prompt, count: count, key: key))
  }

  /// The PNG file of a figure that a run draws at the step of a model's checkpoint; nil where it is no picture.
  /// - Parameters:
  ///   - number: from 1, in the order of the run's figures.
  ///   - note: what the file says of itself.
  package static func picture(
    ofFigure number: Int, _ model: TrainedModel, note: String,
    warn: (String) -> Void = { _ in }
  ) throws(TrainingError) -> [UInt8]? {
    let loaded = try LoadedModel<Self>(model, warn)
    // The last figures of a run may use the test data.
    let isAtEnd = (try? TrainerState(folder: loaded.checkpoint))?.isFinished ?? false
    let figures = loaded.recipe.figures(
      loaded.state, isAtEnd ? loaded.data.atEnd : loaded.data,
      RandomKey(seed: model.seed).fork(Purpose.figures))
    guard figures.indices.contains(number - 1) else { return nil }
    return Samples.files(of: figures[number - 1], note: note).first { $0.ending == ".png" }?.bytes
  }
}

extension Recipe {
  /// A trained model as a lossless codec; nil where its method is none.
  public static func codec(
    of model: TrainedModel, warn: (String) -> Void = { _ in }
  ) throws(TrainingError) -> RecipeCodec? {
    let loaded = try LoadedModel<Self>(model, warn)
    var codec = loaded.recipe.codec(loaded.state, loaded.data.atEnd)
    let export = loaded.recipe.export(loaded.state)
    let tensors = (export.average ?? export.model).tensors
    codec?.weights = tensors.reduce(0) { Deflate.crc32($1.bytes(), after: $0) }
    return codec
  }
}

/// A model's recipe with its data and its state.
private struct LoadedModel<R: Recipe> {
  let recipe: R
  let data: DataSplit<R.Data>
  let state: R.State
  let checkpoint: URL

  init(_ model: TrainedModel, _ warn: (String) -> Void) throws(TrainingError) {
    guard model.recipe == R.method.name else {
      throw .otherRecipe(folder: model.folder.path, its: model.recipe, asked: R.method.name)
    }
    let configuration = try Configuration<R.Settings>(R.self, file: model.settings)
    recipe = try configuration.recipe(R.self)
    data = try configuration.data(of: recipe)
    let start = recipe.start(data, RandomKey(seed: model.seed).fork(Purpose.start))
    let reader = RecipeCheckpoint(recipe, start)
    var problems: [String] = []
    for folder in model.checkpoints {
      do {
        state = try reader.load(folder, into: start, toGoOn: false)
        checkpoint = folder
        for problem in problems { warn("\(problem); taking \(folder.lastPathComponent)") }
        return
      } catch {
        problems.append("\(error)")
      }
    }
    throw .noCheckpoint(folder: model.folder.path, problems: problems)
  }
}

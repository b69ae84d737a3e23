import ArgumentParser
import Foundation
import Recipes
import Reports
import Training

extension Recipes {
  static var names: [String] { all.map { $0.method.name } }

  /// The recipe of this name.
  /// - Throws: a failure that suggests the name that was meant.
  static func named(_ name: String) throws(Failure) -> any Recipe.Type {
    if let recipe = all.first(where: { $0.method.name == name }) { return recipe }
    throw .unknownName(name, of: "recipe", among: names, attempts: ["apus train --list"])
  }
}

/// The names of recipes, for completion.
let recipeNames = CompletionKind.list(Recipes.names)

/// Where a trained model lies; `sample` and `eval` have it.
struct ModelOptions: ParsableArguments {
  @Option(help: "The run's folder; its newest checkpoint is taken.", completion: .directory)
  var run: String?

  @Option(help: "A checkpoint's folder, wherever it lies.", completion: .directory)
  var model: String?

  func trained() throws -> TrainedModel {
    guard (run == nil) != (model == nil) else {
      throw Failure(.usage, "give --run RUN or --model FOLDER, and only one of them.")
    }
    guard let model else { return TrainedModel(try existingRun(run ?? "")) }
    guard FileManager.default.fileExists(atPath: model) else {
      throw Failure(
        .missing, "there is no folder \(model).", attempts: ["--model RUN/checkpoints/last"])
    }
    return try TrainedModel(folder: URL(fileURLWithPath: model).resolvingSymlinksInPath())
  }
}

/// A run's folder that a user names.
func existingRun(_ folder: String) throws -> Run {
  guard FileManager.default.fileExists(atPath: folder) else {
    throw Failure(.missing, "there is no run \(folder).", attempts: ["apus runs"])
  }
  return try Run(URL(fileURLWithPath: folder))
}

import Foundation
import Layers
import Recipes
import Reports
import Tensors
import TestSupport
import Testing
import Training

/// What ten steps of a recipe are held to: finite numbers, no forgotten tensor, and the same bits where the run is stopped
/// in the middle and goes on.
func checkTenSteps<R: Recipe>(
  of recipe: R.Type, _ assignments: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "apus-recipe-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: folder) }
  let (straight, stopped) = (folder.appending(path: "a"), folder.appending(path: "b"))
  let loop = ["evaluate_every=10", "sample_every=10", "checkpoint_every=5"]
  func request(_ folder: URL) -> TrainingRequest {
    TrainingRequest(folder: folder, assignments: assignments + loop, seed: 3, steps: 10)
  }
  let summary = try recipe.train(request(straight))
  #expect(summary.isFinished, sourceLocation: sourceLocation)
  #expect(!summary.metrics.isEmpty, sourceLocation: sourceLocation)
  for metric in summary.metrics {
    #expect(metric.value.isFinite, "\(metric.name)", sourceLocation: sourceLocation)
  }
  #expect(try !Run(straight).figures.isEmpty, sourceLocation: sourceLocation)

  let stop = StopRequest()
  let first = try recipe.train(request(stopped), stop: stop) { event in
    if case .step(let step) = event, step.step == 5 { stop.request() }
  }
  #expect(first.step == 5, sourceLocation: sourceLocation)
  _ = try recipe.resume(stopped)
  #expect(
    try tensorFiles(of: straight) == tensorFiles(of: stopped), sourceLocation: sourceLocation)

  let model = try recipe.init(recipe.defaults)
  let state = model.start(try model.data(), RandomKey(seed: 1))
  #expect(forgottenTensors(in: state) == [], sourceLocation: sourceLocation)
}

/// The bytes of the tensors that a run's last checkpoint has.
private func tensorFiles(of run: URL) throws -> [String: Data] {
  let last = run.appending(path: "checkpoints/last").resolvingSymlinksInPath()
  let names = try FileManager.default.contentsOfDirectory(atPath: last.path)
  let files = try names.filter { $0.hasSuffix(".safetensors") }.map {
    ($0, try Data(contentsOf: last.appending(path: $0)))
  }
  try #require(!files.isEmpty)
  return Dictionary(uniqueKeysWithValues: files)
}

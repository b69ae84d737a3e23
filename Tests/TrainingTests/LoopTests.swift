import Checkpoints
import Foundation
import Reports
import Testing
import Training

@Suite struct LoopTests {
  @Test func everyEpochIsAPermutationAndDiffersFromTheLast() {
    for count in [1, 2, 3, 16, 17, 100, 1000] {
      let order = BatchOrder(count: count, batchSize: 1, seed: 7)
      let epochs = (0..<3).map { epoch in
        (0..<count).map { order.index(epoch: epoch, place: $0) }
      }
      for epoch in epochs { #expect(epoch.sorted() == Array(0..<count)) }
      if count > 10 {
        #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2])
        #expect(epochs[0] != BatchOrder(count: count, batchSize: 1, seed: 8).indices(all: count))
      }
    }
  }

  @Test func batchesRunThroughEpochsWithoutGap() {
    let order = BatchOrder(count: 10, batchSize: 4, seed: 3)
    let items = (0..<5).flatMap { order.indices(step: $0) }
    #expect(items[..<10].sorted() == Array(0..<10))
    #expect(items[10...].sorted() == Array(0..<10))
    #expect(order.epoch(after: 5) == 2)
  }

  @Test func aShuffleMovesItemsEvenly() {
    // Where item 0 of 64 stands over many epochs: chi-square with 63 degrees of freedom.
    let order = BatchOrder(count: 64, batchSize: 1, seed: 11)
    var counts = [Double](repeating: 0, count: 64)
    for epoch in 0..<6400 { counts[order.index(epoch: epoch, place: 5)] += 1 }
    let chi = counts.map { ($0 - 100) * ($0 - 100) / 100 }.reduce(0, +)
    #expect(chi < 63 + 6 * (2 * 63.0).squareRoot())
  }

  @Test func theSumOfPartsIsTheWholeBatch() throws {
    let scratch = Scratch()
    // Without noise and running means both see the same items and draw nothing.
    let settings = [
      "noise=0", "centers=false", "steps=5", "log_every=1", "clip=null", "learning_rate=1e-3",
    ]
    let whole = try train(scratch["whole"], settings + ["batch_size=32"])
    let parts = try train(scratch["parts"], settings + ["batch_size=32", "accumulate=4"])
    #expect(abs(whole.metrics[0].value - parts.metrics[0].value) < 1e-5 * whole.metrics[0].value)
    let lines = try [scratch["whole"], scratch["parts"]].map { folder in
      try Run(folder).entries().filter { $0.event == "step" }
    }
    #expect(lines[0].count == 5)
    for (a, b) in zip(lines[0], lines[1]) {
      for name in ["loss", "grad_norm"] {
        let (x, y) = (a.values[name] ?? .nan, b.values[name] ?? .nan)
        #expect(abs(x - y) < 1e-4 * abs(x), "\(name) at step \(a.step): \(x), \(y)")
      }
    }
  }

  @Test func aLossThatIsNoNumberEndsTheRunAndNamesTheLastGoodCheckpoint() throws {
    let scratch = Scratch()
    var failure: TrainingError?
    do { try train(scratch["run"], ["breaks_at=23", "checkpoint_every=10"]) } catch {
      failure = error
    }
    guard case .notFinite(let stop)? = failure else {
      Issue.record("the run did not fail: \(String(describing: failure))")
      return
    }
    #expect(stop.quantity == "loss" && stop.step == 24 && stop.indices.count == 16)
    #expect(stop.lastGood?.hasSuffix("checkpoints/step-000020") == true)
    #expect(failure?.exitCode == 1)
    #expect(
      failure?.message.summary
        == "denoise-moons stopped: the loss is not a number at step 24.")
    let run = try Run(scratch["run"])
    #expect(run.status == .failed && run.failure == "not a number at step 24")
  }

  @Test func patienceEndsARunThatNoLongerGetsBetter() throws {
    let scratch = Scratch()
    // With a learning rate of 0 nothing gets better after the first measurement.
    let summary = try train(
      scratch["run"], ["learning_rate=0", "evaluate_every=5", "patience=2"])
    #expect(summary.isFinished && summary.step == 15)
    #expect(try Run(scratch["run"]).status == .finished)
  }

  @Test func theNewestAndTheBestCheckpointsStay() throws {
    let scratch = Scratch()
    try train(scratch["run"], ["checkpoint_every=5", "evaluate_every=40", "keep=2"])
    let store = try Run(scratch["run"]).checkpoints
    #expect(store.steps == [35, 40])
    #expect(store.target(of: "last") == 40 && store.target(of: "best") == 40)
  }

  @Test func eventsTellWhatProgramsRelyOn() throws {
    let scratch = Scratch()
    var lines: [[String: Any]] = []
    try train(scratch["run"], ["steps=4", "evaluate_every=2"]) { event in
      guard let json = event.json else { return }
      let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
      lines.append(object ?? [:])
    }
    let names = lines.map { $0["event"] as? String ?? "" }
    #expect(names.filter { $0 == "step" }.count == 4)
    #expect(names.filter { $0 == "eval" }.count == 2)
    #expect(names.last == "done")
    let step = Set(lines[0].keys)
    #expect(
      step.isSuperset(of: [
        "event", "step", "epoch", "loss", "learning_rate", "items_per_s", "rss_mb", "seconds_left",
      ]))
    let done = lines.last ?? [:]
    #expect(done["run"] as? String == scratch["run"].path)
    #expect((done["metrics"] as? [String: Double])?["squared_error"] != nil)
  }

  @Test func aRunThatEndsEarlyIsFinishedAndTheSameWhenItIsResumed() throws {
    let scratch = Scratch()
    let settings = ["steps=40", "stop_after=25", "checkpoint_every=10"]
    let summary = try train(scratch["straight"], settings)
    #expect(summary.isFinished && summary.step == 25)
    let stop = StopRequest()
    try train(scratch["stopped"], settings, stop: stop) { event in
      if case .step(let step) = event, step.step == 13 { stop.request() }
    }
    #expect(try DenoisingRecipe.resume(scratch["stopped"]).step == 25)
    #expect(scratch["stopped"].differences(to: scratch["straight"]) == [])
    #expect(try DenoisingRecipe.resume(scratch["stopped"], steps: 40).step == 40)
  }

  @Test func testItemsAreMeasuredOnceAndNeverChosenBy() throws {
    let scratch = Scratch()
    let summary = try train(scratch["run"], ["steps=20", "evaluate_every=5"])
    #expect(summary.metrics[0].note == "30 test points")
    let run = try Run(scratch["run"])
    let events = try run.entries().filter { $0.event == "eval" || $0.event == "test" }
    #expect(events.map(\.event) == ["eval", "eval", "eval", "eval", "test"])
    #expect(events[3].values["squared_error"] != events[4].values["squared_error"])
    #expect(events[4].values["squared_error"] == summary.metrics[0].value)
    #expect(try DenoisingRecipe.evaluate(TrainedModel(run))[0] == summary.metrics[0])
  }

  @Test func aCheckpointIsUsedWithoutItsRunAndWithoutItsOptimizer() throws {
    let scratch = Scratch()
    let summary = try train(scratch["run"], ["width=5"])
    let last = scratch["run/checkpoints/last"].resolvingSymlinksInPath()
    try FileManager.default.moveItem(at: last, to: scratch["model"])
    try FileManager.default.removeItem(at: scratch["run"])
    try FileManager.default.removeItem(at: scratch["model/optimizer.safetensors"])
    let model = try TrainedModel(folder: scratch["model"])
    #expect(model.recipe == "denoise-moons")
    #expect(try DenoisingRecipe.evaluate(model) == summary.metrics)
    func samples(_ count: Int) throws -> SampleBatch? {
      try DenoisingRecipe.sample(model, prompt: nil, count: count, seed: 3)
    }
    guard case .texts(let texts)? = try samples(5) else {
      Issue.record("the model made no texts")
      return
    }
    #expect(Set(texts).count == 5)
    #expect(try samples(5) == .texts(texts))
    try FileManager.default.removeItem(at: scratch["model/ema.safetensors"])
    let error = #expect(throws: TrainingError.self) { try samples(1) }
    #expect(error?.exitCode == 2 && "\(error!)".contains("ema.safetensors"))
  }

  @Test func aTimedRunsNumberOfStepsGivesTheSameBits() throws {
    let scratch = Scratch()
    var request = TrainingRequest(folder: scratch["timed"], seed: 1, seconds: 2)
    request.assignments = ["checkpoint_every=1000000"]
    let summary = try DenoisingRecipe.train(request)
    #expect(summary.step > 0)
    let again = TrainingRequest(
      folder: scratch["again"], configurations: [scratch["timed/config.yaml"]])
    _ = try DenoisingRecipe.train(again)
    #expect(scratch["again"].differences(to: scratch["timed"]) == [])
  }
}

extension BatchOrder {
  fileprivate func indices(all count: Int) -> [Int] {
    (0..<count).map { index(epoch: 0, place: $0) }
  }
}

import Foundation
import Testing
import Training

@Suite struct ResumeTests {
  @Test func aRunThatIsStoppedAndResumedEndsWithTheSameBits() throws {
    let scratch = Scratch()
    try train(scratch["straight"])
    let stop = StopRequest()
    let first = try train(scratch["stopped"], stop: stop) { event in
      if case .step(let step) = event, step.step == 17 { stop.request() }
    }
    #expect(!first.isFinished && first.step == 17)
    #expect(try Run(scratch["stopped"]).status == .interrupted)
    let second = try DenoisingRecipe.resume(scratch["stopped"])
    #expect(second.isFinished && second.step == 40)
    #expect(scratch["stopped"].differences(to: scratch["straight"]) == [])
    #expect(scratch["stopped"].reproducibleFiles.count == 8)
  }

  @Test func filesOfAnotherSeedDiffer() throws {
    let scratch = Scratch()
    try train(scratch["a"])
    try train(scratch["b"], seed: 2)
    let differences = scratch["a"].differences(to: scratch["b"])
    #expect(differences.contains("metrics.jsonl"))
    #expect(differences.contains("step-000040/model.safetensors"))
    #expect(differences.contains("step-000040/ema.safetensors"))
    #expect(differences.contains("step-000040/optimizer.safetensors"))
  }

  @Test func killedAgainAndAgainARunEndsWithTheSameBits() async throws {
    let scratch = Scratch()
    let steps = ["steps=3000", "checkpoint_every=50", "sample_every=1000", "evaluate_every=100"]
    try train(scratch["straight"], steps)
    let killed = scratch["killed"]
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<6 {
      let path = killed.path
      let delay = Int.random(in: 5_000...200_000, using: &generator)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, delay = delay as Int, steps = steps as [String]] in
        let folder = URL(fileURLWithPath: path)
        Thread.detachNewThread {
          usleep(UInt32(delay))
          kill(getpid(), SIGKILL)
        }
        let isThere = FileManager.default.fileExists(atPath: folder.path + "/config.yaml")
        if isThere { _ = try DenoisingRecipe.resume(folder) } else { try train(folder, steps) }
        while true { sleep(1) }
      }
    }
    #expect(try Run(killed).status != .running)
    _ = try DenoisingRecipe.resume(killed)
    #expect(killed.differences(to: scratch["straight"]) == [])
    let rest = try FileManager.default.contentsOfDirectory(
      atPath: killed.appendingPathComponent("checkpoints").path)
    #expect(!rest.contains { $0.hasSuffix(".part") })
  }
}

import Checkpoints
import Foundation
import Tensors
import Testing
import Training

@Suite(.serialized) struct SystemTests {
  @Test(arguments: [SIGINT, SIGTERM])
  func oneSignalStopsTheRunWithACheckpoint(number: Int32) async throws {
    let scratch = Scratch()
    let path = scratch["run"].path
    await #expect(processExitsWith: .exitCode(7)) {
      [path = path as String, number = number as Int32] in
      let summary = try StopRequest.onSignals { stop in
        try train(
          URL(fileURLWithPath: path), ["steps=1000000", "log_every=1000"], stop: stop
        ) { event in
          if case .step(let step) = event, step.step == 10 { kill(getpid(), number) }
        }
      }
      exit(summary.isFinished ? 1 : 7)
    }
    let run = try Run(scratch["run"])
    #expect(run.status == .interrupted)
    #expect(run.checkpoints.steps.last == run.step && run.step >= 10)
  }

  @Test func theSecondInterruptEndsTheProcessAtOnce() async throws {
    await #expect(processExitsWith: .exitCode(130)) {
      StopRequest.onSignals { _ in
        for _ in 0..<100 {
          kill(getpid(), SIGINT)
          usleep(20_000)
        }
      }
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() async throws {
    let scratch = Scratch()
    let settings = ["width=64", "batch_size=64", "steps=60"]
    for threads in [1, 2, 3] {
      let path = scratch["run-\(threads)"].path
      await #expect(processExitsWith: .success) {
        [path = path as String, threads = threads as Int, settings = settings as [String]] in
        Threads.count = threads
        try train(URL(fileURLWithPath: path), settings)
      }
    }
    #expect(scratch["run-1"].reproducibleFiles.count == 8)
    #expect(scratch["run-2"].differences(to: scratch["run-1"]) == [])
    #expect(scratch["run-3"].differences(to: scratch["run-1"]) == [])
  }

  @Test func memoryStaysTheSameOverTenThousandSteps() async throws {
    let scratch = Scratch()
    let path = scratch["run"].path
    await #expect(processExitsWith: .success) { [path = path as String] in
      var early = 0
      var late = 0
      try train(
        URL(fileURLWithPath: path),
        ["steps=10000", "log_every=1", "evaluate_every=500", "checkpoint_every=500"]
      ) { event in
        guard case .step(let step) = event else { return }
        if step.step == 1000 { early = ResidentMemory.now }
        if step.step == 10_000 { late = ResidentMemory.now }
      }
      // Room for what the allocator keeps; a leak of 100 bytes a step would be 0.9 MB more.
      precondition(early > 0 && late - early < 2 << 20, "\(early) bytes, then \(late)")
    }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "only root on Linux can mount a small disk"))
  func aFullDiskEndsTheRunAndHarmsNothing() throws {
    let scratch = Scratch()
    let disk = try #require(SmallDisk(kilobytes: 256))
    let folder = disk.url.appendingPathComponent("run")
    let settings = ["steps=100", "checkpoint_every=10", "keep=100"]
    var failure: TrainingError?
    do { try train(folder, settings) } catch { failure = error }
    #expect(failure?.exitCode == 1)
    #expect(failure.map { "\($0)" }?.contains("disk") == true)
    #expect(failure.map { "\($0)" }?.contains(disk.url.path) == true)
    let store = try Run(folder).checkpoints
    #expect(!store.steps.isEmpty && store.steps.last != 100)
    disk.resize(kilobytes: 4096)
    _ = try DenoisingRecipe.resume(folder)
    try train(scratch["straight"], settings)
    #expect(folder.differences(to: scratch["straight"]) == [])
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "only root on Linux can mount a small disk"))
  func aFolderThatTakesNoFilesIsNamed() throws {
    let disk = try #require(SmallDisk(kilobytes: 256))
    disk.makeReadOnly()
    var failure: TrainingError?
    do { try train(disk.url.appendingPathComponent("run")) } catch { failure = error }
    guard case .checkpoint(.readOnly(let file))? = failure else {
      Issue.record("no error of a folder that takes no files: \(String(describing: failure))")
      return
    }
    #expect(file.hasPrefix(disk.url.path))
  }
}

import CKernels
import Foundation
import Synchronization
import Testing

/// Counts what chunks do; found through the parameters of a job.
private final class Tally: Sendable {
  let sum = Atomic<Int>(0)
  let scratchBytes = Atomic<Int>(0)

  /// Runs `chunks` chunks of `body` with this tally as parameters.
  func run(_ body: apus_body, chunks: Int, scratch: Int = 0) {
    scratchBytes.store(scratch, ordering: .relaxed)
    let parameters = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    unsafe apus_parallel(body, parameters, nil, Int64(chunks), Int64(scratch))
    withExtendedLifetime(self) {}
  }
}

private func tally(_ parameters: UnsafeRawPointer?) -> Tally {
  unsafe Unmanaged<Tally>.fromOpaque(parameters!).takeUnretainedValue()
}

private let count: apus_body = { parameters, _, chunk, scratch in
  let tally = unsafe tally(parameters)
  let bytes = tally.scratchBytes.load(ordering: .relaxed)
  if bytes > 0, let scratch = unsafe scratch {
    unsafe scratch.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
    if Int(bitPattern: scratch) % 64 != 0 { tally.sum.add(1_000_000, ordering: .relaxed) }
  }
  let index = apus_thread_index()
  if index < 0 || index >= 256 { tally.sum.add(1_000_000, ordering: .relaxed) }
  tally.sum.add(Int(chunk) + 1, ordering: .relaxed)
}

private let nest: apus_body = { parameters, _, _, _ in
  unsafe apus_parallel(count, parameters, nil, 10, 300)
}

@Suite struct PoolTests {
  private static func jobs(_ repetitions: Int) -> Bool {
    (0..<repetitions).allSatisfy { i in
      let tally = Tally()
      let chunks = i % 50
      unsafe tally.run(count, chunks: chunks, scratch: i * 13 % 5000)
      return tally.sum.load(ordering: .relaxed) == chunks * (chunks + 1) / 2
    }
  }

  @Test("Every chunk runs once, for many small jobs from one thread")
  func oneCaller() {
    apus_reserve_scratch(1 << 16)
    #expect(Self.jobs(20_000))
  }

  @Test("Several threads share the pool")
  func manyCallers() {
    let failures = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      if !Self.jobs(3000) { failures.add(1, ordering: .relaxed) }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
  }

  @Test("Jobs inside chunks run where they are, with scratch of their own")
  func nested() {
    let tally = Tally()
    tally.scratchBytes.store(300, ordering: .relaxed)
    let parameters = unsafe UnsafeRawPointer(Unmanaged.passUnretained(tally).toOpaque())
    unsafe apus_parallel(nest, parameters, nil, 500, 64)
    #expect(tally.sum.load(ordering: .relaxed) == 500 * 55)
  }

  @Test("Work resumes after the threads have gone to sleep")
  func sleep() {
    for _ in 0..<5 {
      usleep(20_000)
      #expect(Self.jobs(50))
    }
  }

  @Test("A job of more chunks than a ticket holds is run in parts")
  func manyChunks() {
    let tally = Tally()
    let chunks = 1 << 24 | 5
    unsafe tally.run(count, chunks: chunks)
    #expect(tally.sum.load(ordering: .relaxed) == chunks * (chunks + 1) / 2)
  }
}

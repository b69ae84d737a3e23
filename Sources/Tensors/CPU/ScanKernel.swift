/// Runs the body of a scan step by step. Slices are read and written where they lie in their stacks; the carry moves
/// between two buffers, or stays in the stack that holds it anyway.
@safe
final class ScanKernel: HostKernel {
  private let scan: Scan
  private let program: CPUProgram
  /// Bytes of every argument and output of the body.
  private let argumentBytes: [Int]
  private let outputBytes: [Int]
  /// Offsets of the two carry buffers in the shared memory, behind the body's arena.
  private var carryOffsets: [[Int]] = [[], []]
  private var arguments: [UnsafeMutableRawPointer?]
  private var results: [UnsafeMutableRawPointer?]
  let sharedBytes: Int

  init(_ scan: Scan) {
    self.scan = scan
    var body = scan.body
    body.removeUnused()
    program = CPUProgram(
      body, invariantArguments: Set((scan.carryCount + scan.stackCount)..<body.inputCount))
    argumentBytes = (0..<body.inputCount).map { body.types[$0].byteCount }
    outputBytes = body.outputs.map { body.types[$0].byteCount }
    var offset = (program.arenaByteCount + 63) / 64 * 64
    for side in 0..<2 {
      for i in 0..<scan.carryCount {
        carryOffsets[side].append(offset)
        offset += (argumentBytes[i] + 63) / 64 * 64
      }
    }
    sharedBytes = offset + 64
    unsafe arguments = [UnsafeMutableRawPointer?](repeating: nil, count: max(body.inputCount, 1))
    unsafe results = [UnsafeMutableRawPointer?](
      repeating: nil, count: max(program.newResults.count, 1))
  }

  func run(_ buffers: UnsafePointer<UnsafeMutableRawPointer?>) {
    let operandCount = argumentBytes.count
    let shared = unsafe buffers[operandCount + outputBytes.count]!
    for i in 0..<operandCount { unsafe arguments[i] = buffers[i] }
    let outputs = unsafe buffers + operandCount
    for turn in 0..<scan.length {
      let t = scan.isReversed ? scan.length - 1 - turn : turn
      for i in 0..<scan.stackCount {
        let place = scan.carryCount + i
        unsafe arguments[place] = buffers[place].map { unsafe $0 + t * argumentBytes[place] }
      }
      unsafe placeResults(t, isLast: turn == scan.length - 1, shared, turn % 2, outputs)
      if turn == 0 { unsafe program.prepareLoop(arguments, results, shared) }
      unsafe program.runInLoop(arguments, results, shared)
      unsafe finishStep(t, outputs)
    }
    for i in 0..<scan.carryCount {
      guard let source = unsafe arguments[i], let target = unsafe outputs[i],
        unsafe source != target
      else { continue }
      unsafe target.copyMemory(from: source, byteCount: argumentBytes[i])
    }
  }

  /// Chooses where the body writes: a slice of a stacked output, else the result or a carry buffer.
  private func placeResults(
    _ t: Int, isLast: Bool, _ shared: UnsafeMutableRawPointer, _ side: Int,
    _ outputs: UnsafePointer<UnsafeMutableRawPointer?>
  ) {
    for i in unsafe results.indices { unsafe results[i] = nil }
    for (o, result) in program.results.enumerated().reversed() {
      guard case .new(let number) = result, unsafe results[number] == nil else { continue }
      if o >= scan.carryCount {
        unsafe results[number] = outputs[o]! + t * outputBytes[o]
      } else if isLast {
        unsafe results[number] = outputs[o]
      } else {
        unsafe results[number] = shared + carryOffsets[side][o]
      }
    }
  }

  /// Hands the carry on, and copies outputs that are names of arguments or of one another.
  private func finishStep(_ t: Int, _ outputs: UnsafePointer<UnsafeMutableRawPointer?>) {
    var next = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: scan.carryCount)
    for (o, result) in program.results.enumerated() {
      let source: UnsafeMutableRawPointer? =
        switch result {
        case .argument(let i): unsafe arguments[i]
        case .new(let number): unsafe results[number]
        }
      if o < scan.carryCount {
        unsafe next[o] = source
      } else {
        let target = unsafe outputs[o]! + t * outputBytes[o]
        if let source = unsafe source, unsafe source != target {
          unsafe target.copyMemory(from: source, byteCount: outputBytes[o])
        }
      }
    }
    for o in 0..<scan.carryCount { unsafe arguments[o] = next[o] }
  }
}

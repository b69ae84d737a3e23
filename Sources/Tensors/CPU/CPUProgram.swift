internal import CKernels

/// A program compiled for the CPU: prepared kernels in order, with a place for every buffer.
///
/// It owns no memory of its own but its tables; arguments, results and the block for everything in between are given to
/// `run`, so that a loop can run the same program on moving slices. One run at a time.
@safe
package final class CPUProgram {
  /// Bytes of the block that `run` needs.
  package private(set) var arenaByteCount = 0
  /// Where the results come from.
  package private(set) var results: [Result] = []
  /// Bytes of each new result.
  package private(set) var newResults: [Int] = []
  /// For each new result the argument in whose memory it may be written, nil where there is none.
  package private(set) var donations: [Int?] = []

  package enum Result: Hashable {
    /// The bytes of an argument, unchanged.
    case argument(Int)
    /// A new value; several results may be names of one.
    case new(Int)
  }

  private struct Step {
    let kernel: PreparedKernel
    let firstBuffer: Int
    let label: String
    var isInvariant = false
  }

  private var steps: [Step] = []
  private var places: [Compiler.Place] = []
  private let buffers: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  /// - Parameter invariantArguments: arguments that are the same in all runs of a loop; what kernels derive from them
  ///   alone (packed weights) is made once, by `prepareLoop`.
  package init(_ program: Program, invariantArguments: Set<Int> = []) {
    var compiler = Compiler(program, invariantArguments)
    compiler.compile()
    steps = compiler.steps.map {
      Step(
        kernel: $0.kernel, firstBuffer: $0.firstBuffer, label: $0.label,
        isInvariant: $0.isInvariant)
    }
    places = compiler.places
    results = compiler.results
    newResults = compiler.newResults
    donations = compiler.donations
    arenaByteCount = compiler.memory.byteCount
    unsafe buffers = .allocate(capacity: max(places.count, 1))
    unsafe buffers.initialize(repeating: nil, count: max(places.count, 1))
  }

  deinit { unsafe buffers.deallocate() }

  package typealias Pointers = UnsafePointer<UnsafeMutableRawPointer?>

  private func bind(_ arguments: Pointers, _ results: Pointers, _ arena: UnsafeMutableRawPointer) {
    for (i, place) in places.enumerated() {
      switch place {
      case .argument(let j, let offset): unsafe buffers[i] = arguments[j].map { unsafe $0 + offset }
      case .result(let j, let offset): unsafe buffers[i] = results[j].map { unsafe $0 + offset }
      case .arena(let offset): unsafe buffers[i] = arena + offset
      }
    }
  }

  /// Computes all new results.
  package func run(_ arguments: Pointers, _ results: Pointers, _ arena: UnsafeMutableRawPointer) {
    unsafe bind(arguments, results, arena)
    runSteps(inLoop: false)
  }

  private func runSteps(inLoop: Bool) {
    let isProfiled = Profile.isOn
    for step in steps {
      let start = isProfiled ? ContinuousClock.now : nil
      unsafe step.kernel.run(
        UnsafePointer(buffers + step.firstBuffer), skippingInvariant: inLoop && step.isInvariant)
      if let start { Profile.add(step.label, .now - start) }
    }
  }

  /// Makes what depends on the invariant arguments alone.
  package func prepareLoop(
    _ arguments: Pointers, _ results: Pointers, _ arena: UnsafeMutableRawPointer
  ) {
    unsafe bind(arguments, results, arena)
    for step in steps where step.isInvariant {
      unsafe step.kernel.runInvariant(UnsafePointer(buffers + step.firstBuffer))
    }
  }

  /// A run inside a loop, after `prepareLoop` with the same arena.
  package func runInLoop(
    _ arguments: Pointers, _ results: Pointers, _ arena: UnsafeMutableRawPointer
  ) {
    unsafe bind(arguments, results, arena)
    runSteps(inLoop: true)
  }
}

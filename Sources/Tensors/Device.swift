internal import Synchronization

/// What computes values: the CPU, or an accelerator behind a plugin of XLA (`Device.xla` in the module `XLA`).
///
/// Everything a task evaluates is computed on its current device:
///
///     try await Device.xla().run { … }                       // evaluations and compiled steps go there
///     let loss = try step(&state, batch, on: device)         // one step, with errors thrown
///
/// A value stays where it was computed until it is read or needed elsewhere, so the state of a compiled step never leaves
/// its device. Reading a value brings a copy to the host.
public struct Device: Sendable, Hashable, CustomStringConvertible {
  package let executor: any Executor

  package init(_ executor: any Executor) { self.executor = executor }

  /// The cores of this machine.
  public static let cpu = Device(CPUExecutor())

  /// The device of the running task.
  @TaskLocal public static var current = Device.cpu

  /// Computes everything that `body` evaluates on this device. A device that fails there ends the program with a sentence;
  /// `on:` throws instead.
  public func run<R>(_ body: () throws -> R) rethrows -> R {
    try Device.$current.withValue(self, operation: body)
  }

  /// The same for asynchronous work.
  public func run<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
  ) async rethrows -> R {
    try await Device.$current.withValue(self, operation: body, isolation: isolation)
  }

  /// Chooses how the program ends where a device fails in the midst of an evaluation, which cannot throw. Unless chosen, it
  /// ends with a sentence.
  public static func setFailureEnding(_ ending: @escaping @Sendable (any Error) -> Never) {
    failureEnding.withLock { $0 = ending }
  }

  private static let failureEnding = Mutex<@Sendable (any Error) -> Never> { fail("\($0)") }

  /// Ends the program because a device failed.
  package static func failed(_ error: any Error) -> Never {
    failureEnding.withLock { $0 }(error)
  }

  /// Waits until all that was launched has been computed.
  /// - Throws: the error of a launch that failed.
  public func synchronize() throws { try executor.synchronize() }

  /// The number of devices behind this one that compute a step together, each on its part of the batch.
  public var replicaCount: Int { executor.replicaCount }

  public var description: String { executor.name }

  public static func == (a: Device, b: Device) -> Bool { a.executor === b.executor }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(executor)) }
}

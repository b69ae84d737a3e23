internal import Dispatch
internal import Foundation
internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A wish that a run ends after its step, with a checkpoint.
public final class StopRequest: Sendable {
  private let isAsked = Atomic(false)

  public init() {}

  public var isRequested: Bool { isAsked.load(ordering: .relaxed) }

  public func request() { isAsked.store(true, ordering: .relaxed) }

  /// Asks for the end of a run at SIGINT (Ctrl-C) and SIGTERM while `body` runs. The second SIGINT
  /// ends the process at once, with exit code 130.
  ///
  /// - Parameter notice: called at the first signal, on another thread.
  public static func onSignals<Result>(
    notice: @escaping @Sendable () -> Void = {},
    _ body: (StopRequest) throws -> Result
  ) rethrows -> Result {
    let stop = StopRequest()
    let queue = DispatchQueue(label: "apus.signals")
    let sources = [SIGINT, SIGTERM].map { number in
      _ = signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { @Sendable in
        if stop.isRequested && number == SIGINT { _exit(130) }
        if !stop.isRequested { notice() }
        stop.request()
      }
      source.resume()
      return source
    }
    defer {
      for source in sources { source.cancel() }
      for number in [SIGINT, SIGTERM] { _ = signal(number, SIG_DFL) }
    }
    return try body(stop)
  }
}

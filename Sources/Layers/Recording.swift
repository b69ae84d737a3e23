internal import Synchronization
public import Tensors

/// Values from inside a network, under their names, for whoever looks at them: probes, features, comparisons with another
/// implementation. Nothing is kept where nobody looks.
///
///     let (logits, inner) = Recording.of { model(pictures) }
///     inner["blocks.3"]
public enum Recording {
  /// What was recorded so far; later values of a name replace earlier ones.
  fileprivate final class Notes: Sendable {
    let values = Mutex<[String: Tensor]>([:])
  }

  @TaskLocal fileprivate static var notes: Notes?
  @TaskLocal fileprivate static var prefix = ""

  /// Runs `body` and returns, beside its result, every value that was recorded in it.
  public static func of<R>(_ body: () throws -> R) rethrows -> (result: R, values: [String: Tensor])
  {
    let notes = Notes()
    let result = try $notes.withValue(notes, operation: body)
    return (result, notes.values.withLock { $0 })
  }

  /// Names recorded in `body` begin with `name` and a dot.
  public static func within<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
    guard notes != nil else { return try body() }
    return try $prefix.withValue(prefix + name + ".", operation: body)
  }
}

extension Tensor {
  /// The tensor itself, kept under a name where somebody looks.
  public func recorded(_ name: @autoclosure () -> String) -> Tensor {
    guard let notes = Recording.notes else { return self }
    let name = Recording.prefix + name()
    notes.values.withLock { $0[name] = self }
    return self
  }
}

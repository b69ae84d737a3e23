import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The thin shell around the pure lines: keeps the moving ones at the bottom of a terminal, and
/// writes nothing but whole lines anywhere else.
public struct LiveLines: Sendable {
  /// What the stream can show.
  public let terminal: Terminal
  private let columns: @Sendable () -> Int?
  private let write: @Sendable (String) -> Void
  private var cadence: Cadence
  /// How many moving lines are on the screen.
  private var shown = 0

  /// Lines on any stream; tests give their own.
  /// - Parameters:
  ///   - columns: the width, asked at every redraw; nil if unknown, which is taken as 80.
  ///   - write: writes a text at once.
  public init(
    terminal: Terminal, columns: @escaping @Sendable () -> Int?,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.terminal = terminal
    self.columns = columns
    self.write = write
    cadence = Cadence(redraws: terminal.redraws)
  }

  /// Lines on the standard error stream.
  public static func standardError(forbidsColor: Bool = false) -> LiveLines {
    let environment = ProcessInfo.processInfo.environment
    let terminal = Terminal(
      environment: environment, isTerminal: isatty(STDERR_FILENO) == 1,
      forbidsColor: forbidsColor)
    return LiveLines(terminal: terminal, columns: standardErrorColumns) { text in
      try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
  }

  /// The width now, 80 if unknown.
  public var width: Int { columns().flatMap { $0 > 0 ? $0 : nil } ?? 80 }

  /// Shows the moving lines again if that is due at `time`; elsewhere the plain line, on its own
  /// schedule.
  /// - Parameters:
  ///   - time: seconds of a clock that never goes back.
  ///   - lines: the moving lines for a width in columns.
  ///   - plain: the line for a stream that is no terminal.
  public mutating func update(
    at time: Double, lines: (_ width: Int) -> [String], plain: () -> String
  ) {
    guard cadence.isDue(at: time) else { return }
    guard terminal.redraws else {
      write(plain() + "\n")
      return
    }
    let lines = lines(width)
    write(erased + lines.joined(separator: "\n") + "\r")
    shown = lines.count
  }

  /// Writes a line that stays, above the moving ones.
  public mutating func say(_ line: String) {
    write(erased + line + "\n")
    shown = 0
  }

  /// Takes the moving lines away, before another program or a question uses the screen.
  public mutating func clear() {
    let text = erased
    if !text.isEmpty { write(text) }
    shown = 0
  }

  /// Goes to the first of the moving lines and erases from there.
  private var erased: String {
    guard shown > 0 else { return "" }
    return (shown > 1 ? "\u{1B}[\(shown - 1)A" : "") + "\r\u{1B}[J"
  }
}

/// The columns of the terminal behind the standard error stream.
@Sendable private func standardErrorColumns() -> Int? {
  var size = winsize()
  guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init)
  }
  return Int(size.ws_col)
}

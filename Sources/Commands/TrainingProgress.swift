import Foundation
import Reports
import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What `apus train` shows: JSON lines, or a line that moves and the result.
final class TrainingProgress {
  private let console: Console
  private let start = ContinuousClock.now
  private var lines: LiveLines
  private var line = ProgressLine(name: "", step: 0, steps: 0)
  /// Of every so many steps one is told to programs, at most 2,000 of a run; besides, one a second
  /// and the last.
  private var interval = 1
  private var lastStep = ContinuousClock.now
  /// What went wrong with standard output.
  private var failure: Failure?

  init(_ console: Console) {
    self.console = console
    lines = console.liveLines()
  }

  /// Behind the ^C that a terminal shows.
  static let lineBreak = isatty(STDERR_FILENO) == 1 ? "\n" : ""

  /// What Ctrl-C is answered with, at once and from any thread.
  static let stopping: @Sendable () -> Void = {
    _ = writeAll(
      "\(lineBreak)apus: stopping after this step; Ctrl-C again stops at once.\n", STDERR_FILENO)
  }

  /// Shows an event.
  func show(_ event: TrainingEvent) {
    if console.json {
      if case .start(let start) = event { interval = max(1, (start.steps + 1999) / 2000) }
      if case .step(let step) = event, !isDue(step) { return }
      if let json = event.json { keep { () throws(Failure) in try console.result(json) } }
      if case .message(let text) = event { console.note("apus: " + text) }
    } else {
      showForPeople(event)
    }
  }

  /// Ends what moves, and throws what standard output refused.
  func close() throws(Failure) {
    lines.clear()
    if let failure { throw failure }
  }

  private func isDue(_ step: TrainingEvent.Step) -> Bool {
    let now = ContinuousClock.now
    let isDue =
      step.step % interval == 0 || step.step == step.steps || now - lastStep >= .seconds(1)
    if isDue { lastStep = now }
    return isDue
  }

  private func showForPeople(_ event: TrainingEvent) {
    switch event {
    case .start(let start):
      (line.name, line.step, line.steps) = (start.recipe, start.step, start.steps)
      if start.step > 0 { console.detail("going on after step \(Wording.count(start.step))") }
      console.detail(
        "\(start.run), \(Wording.parameters(start.parameters)) parameters"
          .replacing("\u{A0}", with: " "))
    case .step(let step):
      line.step = step.step
      line.loss = step.loss
      line.stepsPerSecond = step.stepsPerSecond
      line.memory = step.memory
      line.secondsLeft = step.secondsLeft
      redraw()
    case .evaluation(_, let metrics):
      guard let metric = metrics.first else { break }
      line.heldOut = metric.value
      line.unit = metric.unit
      line.heldOutKind = metric.kind == .score ? "" : metric.kind.word
    case .message(let text):
      lines.clear()
      console.note("apus: " + text)
    case .end(let summary): end(summary)
    case .checkpoint(_, let path): console.detail("saved \(path)")
    case .figures: break
    }
  }

  private func redraw() {
    guard !console.quiet else { return }
    let elapsed = ContinuousClock.now - start
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let (line, terminal) = (line, lines.terminal)
    lines.update(at: seconds) { width in
      [line.text(on: terminal, width: width)]
    } plain: {
      line.plainText(at: Int(Date().timeIntervalSince1970))
    }
  }

  /// The result of a run that came to its end: its measurements and its folder.
  private func end(_ summary: TrainingSummary) {
    lines.clear()
    guard summary.isFinished else { return }
    var table = Columns(.left, .left, .left)
    for metric in summary.metrics {
      table.add(
        metric.name, Wording.quantity(metric.value, unit: metric.unit), metric.kindInWords)
    }
    let seconds = Wording.duration(summary.seconds)
    let text = (table.lines + ["\(summary.run), \(Wording.count(summary.step)) steps, \(seconds)"])
      .joined(separator: "\n")
    keep { () throws(Failure) in try console.result(console.output.shown(text)) }
  }

  private func keep(_ body: () throws(Failure) -> Void) {
    do { try body() } catch { failure = failure ?? error }
  }
}

import CKernels
import Documents
import Foundation
import Recipes
import Reports
import Training

/// The methods of a gallery, one after the other, and the page about them.
final class GalleryJob {
  private let folder: String
  private let recipes: [any Recipe.Type]
  private let seconds: Double
  private let threads: Int32?
  private let console: Console
  private var lines: LiveLines
  private var report: GalleryReport
  private let start = ContinuousClock.now
  /// Of the method that trains.
  private var pace = Pace(steps: 0)

  init(
    folder: String, recipes: [any Recipe.Type], seed: UInt64, seconds: Double, threads: Int32?,
    command: String, console: Console
  ) {
    self.folder = folder
    self.recipes = recipes
    self.seconds = seconds
    self.threads = threads
    self.console = console
    lines = console.liveLines()
    let cores = Int(threads ?? apus_threads())
    let instructions = unsafe String(cString: apus_instruction_set()).uppercased()
    report = GalleryReport(
      version: apusVersion, seed: seed, date: Int(Date().timeIntervalSince1970),
      machine: [
        "\(cores) " + (cores == 1 ? "core" : "cores") + ", " + instructions,
        Machine.processor, "float32",
      ],
      command: command, secondsEach: seconds / Double(recipes.count),
      methods: recipes.map { recipe in
        MethodReport(recipe.method, status: .notRun, command: "apus train \(recipe.method.name)")
      })
  }

  /// Seconds since the gallery began.
  private var elapsed: Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }

  private var isShown: Bool { !console.quiet }

  /// Trains all methods.
  /// - Throws: only where the page cannot be written.
  func run(_ stop: StopRequest) throws -> GalleryReport {
    if isShown {
      let opening = GalleryLines.opening(
        methods: recipes.count, secondsEach: report.secondsEach, seed: report.seed,
        cores: Int(threads ?? apus_threads()), on: lines.terminal)
      lines.say(opening)
    }
    report.groups = ReferenceRows.groups(of: recipes.map { $0.method })
    for (index, recipe) in recipes.enumerated() {
      let share = max(0, seconds - elapsed) / Double(recipes.count - index)
      if stop.isRequested || share < 1 {
        report.methods[index] = notRun(recipe.method, wasStopped: stop.isRequested)
      } else {
        report.methods[index] = train(recipe.method, seconds: share, index: index, stop)
        sayEnd(report.methods[index])
      }
      try write()
    }
    return report
  }

  // MARK: - One method

  private func train(
    _ method: Training.Method, seconds: Double, index: Int, _ stop: StopRequest
  ) -> MethodReport {
    let name = method.name
    let run = "\(folder)/runs/\(name)"
    let complaints = "\(run).log"
    var arguments = [
      "train", name, "--out", run, "--overwrite", "--seed", "\(report.seed)",
      "--seconds", "\(seconds)", "--json",
    ]
    if let threads { arguments += ["--threads", "\(threads)"] }
    let began = elapsed
    var line = ProgressLine(
      name: name, step: 0, steps: 0, loss: nil, unit: method.goal.unit)
    var failure: String?
    do {
      let child = try ChildProcess(arguments, errors: complaints)
      var isAsked = false
      while let texts = child.lines() {
        for text in texts {
          guard let event = try? JSONValue(parsing: Array(text.utf8)) else { continue }
          failure = event["error"]?["message"]?.string ?? failure
          follow(event, run: run, &line)
        }
        redraw(line, index: index)
        if stop.isRequested, !isAsked {
          isAsked = true
          child.stop()
        }
      }
      let (ending, peak) = child.wait()
      lines.clear()
      return MethodReport(
        method, run: Run.optional(run), in: folder, ending: ending, error: failure,
        seconds: elapsed - began, peakBytes: peak, seed: report.seed)
    } catch {
      return MethodReport(
        method, run: nil, in: folder, ending: .exit(1), error: error.message.summary,
        seconds: elapsed - began, peakBytes: nil, seed: report.seed)
    }
  }

  /// Takes what an event of the child says into the moving line.
  private func follow(_ event: JSONValue, run: String, _ line: inout ProgressLine) {
    guard event["event"]?.string == "step" else { return }
    if line.steps == 0 {
      line.steps = Run.optional(run)?.steps ?? 0
      pace = Pace(steps: line.steps)
    }
    line.step = event["step"]?.integer ?? line.step
    pace.record(step: line.step, at: elapsed)
    line.stepsPerSecond = pace.stepsPerSecond
    line.loss = event["loss"]?.double
    line.secondsLeft = event["seconds_left"]?.double.flatMap { $0 > 0 ? $0 : nil }
    line.memory = event["rss_mb"]?.double.flatMap { Int(exactly: ($0 * 1e6).rounded()) }
  }

  private func redraw(_ line: ProgressLine, index: Int) {
    guard isShown else { return }
    let terminal = lines.terminal
    let next = recipes.indices.contains(index + 1) ? recipes[index + 1].method.name : nil
    let left = max(0, seconds - elapsed)
    lines.update(at: elapsed) { width in
      [
        line.text(on: terminal, width: width, indent: 2),
        GalleryLines.ahead(next: next, secondsLeft: left, on: terminal, width: width),
      ]
    } plain: {
      line.plainText(at: Int(Date().timeIntervalSince1970))
    }
  }

  private func sayEnd(_ method: MethodReport) {
    guard isShown else { return }
    if lines.terminal.redraws {
      let width = recipes.map { $0.method.name.count }.max() ?? 16
      lines.say(GalleryLines.ended(method, nameWidth: width, on: lines.terminal))
    } else {
      lines.say(GalleryLines.plainEnd(method, at: Int(Date().timeIntervalSince1970)))
    }
  }

  private func notRun(_ method: Training.Method, wasStopped: Bool) -> MethodReport {
    let what =
      wasStopped
      ? "Not reached: the gallery was stopped"
      : "Not reached: \(Wording.duration(elapsed)) used up by the others"
    var report = MethodReport(method, status: .notRun, command: "apus train \(method.name)")
    report.failure = .init(
      short: "not reached", what: what, remedy: "More minutes help", attempt: "--minutes")
    return report
  }

  /// Writes page and values, each under a temporary name first.
  private func write() throws(Failure) {
    report.seconds = elapsed
    try OutputFile.write(report.json().utf8, to: folder + "/gallery.json")
    try OutputFile.write(GalleryPage.html(report).utf8, to: folder + "/index.html")
  }
}

extension Run {
  /// The run in a folder, if there is one.
  static func optional(_ folder: String) -> Run? { try? Run(URL(fileURLWithPath: folder)) }
}

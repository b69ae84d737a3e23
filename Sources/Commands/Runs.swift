import ArgumentParser
import Documents
import Foundation
import Reports
import Training

struct RunsCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "Lists the runs in a folder and what became of them.")

  @Argument(
    help: "The folder that holds the runs (default: runs, or APUS_RUNS).", completion: .directory)
  var folder: String?

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    let folder = try resolved(folder, "RUNS") ?? "runs"
    let runs = Run.all(in: try runsFolder(folder))
    if console.json {
      for run in runs { try console.result(json(run, in: folder)) }
    } else {
      try console.result(runs.isEmpty ? "no runs in \(folder)" : text(runs, on: console.output))
    }
  }

  private func json(_ run: Run, in folder: String) -> JSONValue {
    .object([
      .init("run", .string(folder + "/" + run.url.lastPathComponent)),
      .init("recipe", .string(run.recipe)), .init("status", .string(run.status.rawValue)),
      .init("step", .integer(run.step)), .init("steps", .integer(run.steps)),
      .init("metrics", .object(run.metrics.map { .init($0.key, .number($0.value)) })),
    ])
  }

  private func text(_ runs: [Run], on terminal: Terminal) -> String {
    var table = Columns(.left, .left, .left, .right, .left)
    table.add("run", "recipe", "status", "step", "measured")
    for run in runs {
      let metric = run.metrics.first
      let value = metric.map { "\(Wording.quantity($0.value, unit: $0.unit)), \($0.kind.word)" }
      table.add(
        run.url.lastPathComponent, run.recipe, run.failure ?? run.status.rawValue,
        "\(Wording.count(run.step)) of \(Wording.count(run.steps))", value ?? "")
    }
    var lines = table.lines
    lines[0] = terminal.paint(lines[0], .dim)
    return lines.map(terminal.shown).joined(separator: "\n")
  }
}

/// The folder that holds runs.
func runsFolder(_ folder: String) throws(Failure) -> URL {
  var isFolder: ObjCBool = false
  let exists = unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
  guard exists, isFolder.boolValue else {
    throw Failure(
      .missing, "there is no folder \(folder) with runs.", attempts: ["apus train RECIPE"])
  }
  return URL(fileURLWithPath: folder)
}

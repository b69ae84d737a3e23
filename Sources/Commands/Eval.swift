import ArgumentParser
import Documents
import Foundation
import Recipes
import Reports
import Training

struct EvalCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measures the newest checkpoint of a run on held-out data.")

  @Option(help: "The run's folder.", completion: .directory)
  var run: String

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    try compute.apply()
    let run = try existingRun(run)
    let metrics = try Recipes.named(run.recipe).evaluate(run)
    if console.json {
      let members = metrics.map { JSONValue.Member($0.key, json($0)) }
      try console.result(.object([.init("metrics", .object(members))]))
      return
    }
    var table = Columns(.left, .left, .left)
    for metric in metrics {
      table.add(metric.name, Wording.quantity(metric.value, unit: metric.unit), metric.kind.word)
    }
    try console.result(console.output.shown(table.text))
  }

  private func json(_ metric: Metric) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("value", .number(metric.value)), .init("unit", .string(metric.unit)),
      .init("kind", .string(metric.kind.rawValue)),
    ]
    if let error = metric.error { members.append(.init("error", .number(error))) }
    return .object(members)
  }
}

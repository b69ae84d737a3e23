import ArgumentParser
import Documents
import Foundation
import Recipes
import Reports
import Training

struct EvalCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measures a trained model on the test data of its recipe.")

  @OptionGroup var source: ModelOptions
  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    try compute.run(console) { try measure(console) }
  }

  private func measure(_ console: Console) throws {
    let model = try source.trained()
    let metrics = try Recipes.named(model.recipe).evaluate(model) {
      console.note("apus: " + $0)
    }
    if console.json {
      let members = metrics.map { JSONValue.Member($0.key, json($0)) }
      try console.result(.object([.init("metrics", .object(members))]))
      return
    }
    var table = Columns(.left, .left, .left, .left)
    for metric in metrics {
      table.add(
        metric.name, Wording.quantity(metric.value, unit: metric.unit), metric.kind.word,
        metric.note)
    }
    try console.result(console.output.shown(table.text))
  }

  private func json(_ metric: Metric) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("value", .number(metric.value)), .init("unit", .string(metric.unit)),
      .init("kind", .string(metric.kind.rawValue)),
    ]
    if let error = metric.error { members.append(.init("error", .number(error))) }
    if !metric.note.isEmpty { members.append(.init("note", .string(metric.note))) }
    return .object(members)
  }
}

import Documents
import Foundation
import Recipes
import Reports
import Training

/// The likelihoods of finished runs, side by side where they were measured on the same data.
struct Scoreboard {
  private struct Row {
    let recipe: String
    let metric: Metric
  }

  /// Rows by data, in the order of the catalog.
  private var tables: [(data: DataGroup, rows: [Row])] = []

  /// - Parameters:
  ///   - runs: a folder of runs; of every recipe the newest finished one counts.
  ///   - only: the recipes that take part; nil: all.
  init(runs folder: URL, only: [String]?) throws(Failure) {
    let runs = Run.all(in: folder).filter { $0.status == .finished }
    for recipe in Recipes.all {
      let method = recipe.method
      guard let group = method.goal.group, only?.contains(method.name) ?? true,
        let run = runs.last(where: { $0.recipe == method.name }),
        let metric = run.metrics.first(where: { $0.group == group && $0.kind != .score })
      else { continue }
      let row = Row(recipe: method.name, metric: metric)
      if let place = tables.firstIndex(where: { $0.data.id == group }) {
        tables[place].rows.append(row)
      } else {
        tables.append((ReferenceRows.group(group, unit: metric.unit), [row]))
      }
    }
    guard !tables.isEmpty else {
      throw Failure(
        .missing, "no finished run in \(folder.path) measured a likelihood.",
        attempts: ["apus train lstm-text", "apus eval --scoreboard --runs FOLDER"])
    }
    for place in tables.indices { tables[place].rows.sort { $0.metric.value < $1.metric.value } }
  }

  func show(_ console: Console) throws {
    for (data, rows) in tables {
      if console.json {
        try console.result(
          .object([.init("data", .string(data.id)), .init("rows", .array(rows.map(json)))]))
        continue
      }
      var table = Columns(.left, .right, .left, .left)
      for row in rows {
        table.add(
          row.recipe, Wording.quantity(row.metric.value, unit: row.metric.unit),
          row.metric.kindInWords, row.metric.note)
      }
      for other in data.references {
        table.add(
          other.name, Wording.quantity(other.value, unit: rows[0].metric.unit),
          Metric.Kind.exact.word,
          other.note)
      }
      try console.result(data.name + "\n" + console.output.shown(table.text) + "\n")
    }
  }

  private func json(_ row: Row) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("model", .string(row.recipe)), .init("value", .number(row.metric.value)),
      .init("unit", .string(row.metric.unit)), .init("kind", .string(row.metric.kind.rawValue)),
    ]
    if let error = row.metric.error { members.append(.init("error", .number(error))) }
    return .object(members)
  }
}

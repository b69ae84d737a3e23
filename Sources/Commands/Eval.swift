import ArgumentParser
import Documents
import Foundation
import Published
import Recipes
import Reports
import Training

struct EvalCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measures a trained or published model.",
    discussion: """
      A run, or a checkpoint of one, is measured on the test data of its recipe. A folder of \
      published weights is measured on --data: the accuracy, top-5 accuracy and F1 of a classifier, \
      the bits per byte and perplexity of a language model. --scoreboard compares the runs that are \
      finished: for all models of the same data the bits or nats that they need, marked as exact, \
      as a bound and on which side, or as an estimate with its error.
      """)

  @OptionGroup var source: ModelOptions
  @Option(
    help: """
      For published weights: fashion-mnist, emoji, wordnet-glosses, verses, a folder of pictures by \
      class, a text file, or a .jsonl or .csv file with text and label.
      """)
  var data: String?

  @Flag(help: "Compare the likelihoods of all finished runs.")
  var scoreboard = false

  @Option(help: "With --scoreboard: only these recipes, with commas between them.")
  var only: String?

  @Option(
    help: "With --scoreboard: the folder that holds the runs (default: runs, or APUS_RUNS).",
    completion: .directory)
  var runs: String?

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if scoreboard, source.run != nil || source.model != nil {
      throw ValidationError("--scoreboard compares all runs; leave out --run and --model")
    }
    if !scoreboard, only != nil || runs != nil {
      throw ValidationError("--only and --runs belong to --scoreboard")
    }
  }

  func execute(_ console: Console) throws {
    guard scoreboard else { return try compute.run(console) { try measure(console) } }
    let names = try only?.split(separator: ",").map { name throws(Failure) in
      try Recipes.named(String(name)).method.name
    }
    let folder = try resolved(runs, "RUNS") ?? "runs"
    try Scoreboard(runs: try runsFolder(folder), only: names).show(console)
  }

  private func measure(_ console: Console) throws {
    let metrics = try metrics(console)
    if console.json {
      let members = metrics.map { JSONValue.Member($0.key, json($0)) }
      try console.result(.object([.init("metrics", .object(members))]))
      return
    }
    var table = Columns(.left, .left, .left, .left)
    for metric in metrics {
      table.add(
        metric.name, Wording.quantity(metric.value, unit: metric.unit), metric.kindInWords,
        metric.note)
    }
    try console.result(console.output.shown(table.text))
  }

  private func metrics(_ console: Console) throws -> [Metric] {
    if let folder = source.model.map({ URL(fileURLWithPath: $0) }), TextSample.isPublished(folder) {
      guard let data else {
        throw Failure(
          .usage, "a folder of published weights is measured on data that you name.",
          attempts: ["--data FOLDER", "--data text.txt"])
      }
      return try PublishedScores.measure(ModelFolder(folder), on: data)
    }
    guard data == nil else {
      throw Failure(
        .usage, "a run is measured on the test data of its recipe; leave --data out.")
    }
    let model = try source.trained()
    return try Recipes.named(model.recipe).evaluate(model) { console.note("apus: " + $0) }
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

import ArgumentParser
import Documents
import Foundation
import Recipes
import Reports
import Tensors
import Training
import XLA

struct CompareCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Does one training step on two devices and names the first operation that differs.",
    discussion: """
      The values of every operation of the step are compared, in order. Exit code 0 where all \
      agree, 1 where one does not.
      """)

  @Argument(help: "The recipe.", completion: recipeNames)
  var recipe: String

  @Option(help: "The other device, such as xla or xla:cuda.")
  var with: String

  @Option(help: "The largest difference allowed, relative to a value's largest element.")
  var tolerance = 1e-3

  @Option(
    help: ArgumentHelp("A setting of the recipe.", valueName: "key=value"))
  var set: [String] = []

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard tolerance >= 0 else { throw ValidationError("--tolerance \(tolerance) is negative") }
  }

  func execute(_ console: Console) throws {
    let recipe = try Recipes.named(recipe)
    let other = try Device(named: with)
    try compute.run(console) {
      let request = TrainingRequest(
        folder: URL(fileURLWithPath: "."), assignments: set, seed: try compute.chosenSeed())
      let first = Device.current
      // Data and starting values are those of the CPU.
      let comparison = try Device.cpu.run {
        try recipe.compareStep(request, on: first, and: other, tolerance: tolerance)
      }
      try show(comparison, first, other, console)
    }
  }

  private func show(
    _ comparison: StepOnTwoDevices, _ a: Device, _ b: Device, _ console: Console
  ) throws {
    let (x, y) = comparison.losses
    if console.json {
      var members: [JSONValue.Member] = [.init("agree", .bool(comparison.difference == nil))]
      if let difference = comparison.difference {
        members.append(.init("first_difference", json(difference)))
      }
      members.append(.init("loss", .array([.number(x), .number(y)])))
      try console.result(.object(members))
    } else {
      let verdict =
        comparison.difference.map { "\($0)" } ?? "all operations agree within \(tolerance)"
      try console.result(console.output.shown("loss \(x) on \(a), \(y) on \(b); \(verdict)"))
    }
    if comparison.difference != nil { throw ExitCode(1) }
  }

  private func json(_ difference: ComputationDifference) -> JSONValue {
    .object([
      .init("node", .string("\(difference.operation) \(difference.type)")),
      .init("path", .string(difference.nearest.joined(separator: ", "))),
      .init("position", .integer(difference.position)),
      .init("max_abs", .number(abs(difference.values.0 - difference.values.1))),
      .init("max_rel", .number(difference.distance)), .init("tolerance", .number(tolerance)),
    ])
  }
}

import ArgumentParser
import Documents
import Foundation
import Published
import Reports

struct ModelsCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "Lists the published networks that folders of weights can hold.",
    discussion: """
      One line a published size: its trained numbers, the multiply-adds of a picture of the \
      published size or of a token (the mean of a text's first 128), the libraries whose files are \
      read, the paper. Any other legal size of the same network is read as well: the config.json decides.
      """)

  @Argument(help: "Show only networks whose name contains this text.")
  var name: String?

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    var table = Columns(.left, .left, .left, .right, .right, .left, .left)
    table.add("name", "network", "family", "parameters", "multiply-adds", "layouts", "source")
    for type in Architectures.all {
      let card = type.card
      for size in card.sizes where isWanted(size.name, card.name) {
        let parameters = try type.parameterCount(of: size)
        let arithmetic = try type.arithmetic(of: size)
        if console.json {
          try console.result(json(card, size, parameters, arithmetic))
        } else {
          table.add(
            size.name, card.name, card.family, Wording.count(parameters), shown(arithmetic),
            card.layouts.joined(separator: ", "), card.source)
        }
      }
    }
    guard !console.json else { return }
    var lines = table.lines
    lines[0] = console.output.paint(lines[0], .dim)
    try console.result(lines.map(console.output.shown).joined(separator: "\n"))
  }

  private func isWanted(_ names: String...) -> Bool {
    guard let name else { return true }
    return names.contains { $0.localizedCaseInsensitiveContains(name) }
  }

  /// Such as "4.09 G/picture".
  private func shown(_ arithmetic: Arithmetic?) -> String {
    guard let arithmetic else { return "–" }
    let count = Double(arithmetic.multiplyAdds)
    let (value, unit) = count < 1e9 ? (count / 1e6, "M") : (count / 1e9, "G")
    let digits = value < 10 ? 2 : value < 100 ? 1 : 0
    return String(format: "%.\(digits)f \(unit)/\(arithmetic.unit.rawValue)", value)
  }

  private func json(
    _ card: ArchitectureCard, _ size: ArchitectureCard.Size, _ parameters: Int,
    _ arithmetic: Arithmetic?
  ) -> JSONValue {
    .object([
      .init("name", .string(size.name)), .init("network", .string(card.name)),
      .init("family", .string(card.family)), .init("parameters", .integer(parameters)),
      .init("multiply_adds", arithmetic.map { .integer($0.multiplyAdds) } ?? .null),
      .init("multiply_adds_of", arithmetic.map { .string($0.unit.rawValue) } ?? .null),
      .init("layouts", .array(card.layouts.map(JSONValue.string))),
      .init("source", .string(card.source)),
    ])
  }
}

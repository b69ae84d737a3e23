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
      One line a published size: its trained numbers, the libraries whose files are read, the \
      paper. Any other legal size of the same network is read as well: the config.json decides.
      """)

  @Argument(help: "Show only networks whose name contains this text.")
  var name: String?

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    var table = Columns(.left, .left, .left, .right, .left, .left)
    table.add("name", "network", "family", "parameters", "layouts", "source")
    for type in Architectures.all {
      let card = type.card
      for size in card.sizes where isWanted(size.name, card.name) {
        let parameters = try type.parameterCount(of: size)
        if console.json {
          try console.result(json(card, size, parameters))
        } else {
          table.add(
            size.name, card.name, card.family, Wording.count(parameters),
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

  private func json(_ card: ArchitectureCard, _ size: ArchitectureCard.Size, _ parameters: Int)
    -> JSONValue
  {
    .object([
      .init("name", .string(size.name)), .init("network", .string(card.name)),
      .init("family", .string(card.family)), .init("parameters", .integer(parameters)),
      .init("layouts", .array(card.layouts.map(JSONValue.string))),
      .init("source", .string(card.source)),
    ])
  }
}

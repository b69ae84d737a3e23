import Documents
import Foundation
import Images
import Recipes
import Reports
import Training

/// How a sheet of pictures was made: the note "apus" in its PNG file, by which `apus again` makes the same bytes.
struct PictureOrigin {
  static let key = "apus"

  var recipe: String
  /// The checkpoint's folder.
  var checkpoint: String
  var seed: UInt64
  var count: Int
  var prompt: String?
  /// The run's settings as text.
  var settings: String

  /// The text of the note.
  var note: String {
    var members: [JSONValue.Member] = [
      .init("recipe", .string(recipe)), .init("checkpoint", .string(checkpoint)),
      // As text: seeds have 64 bits without a sign.
      .init("seed", .string(String(seed))), .init("count", .integer(count)),
    ]
    if let prompt { members.append(.init("prompt", .string(prompt))) }
    members.append(.init("settings", .string(settings)))
    return String(decoding: JSONValue.object(members).encoded(), as: UTF8.self)
  }

  /// The command that makes such a sheet.
  var command: String {
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
    let beginning = prompt.map { " --prompt " + quoted($0) } ?? ""
    return "apus sample --model \(quoted(checkpoint))\(beginning) --count \(count) --seed \(seed)"
  }

  /// Reads a note; nil where it says something else.
  init?(note: String) {
    guard let values = try? JSONValue(parsing: Array(note.utf8), depth: 4),
      let recipe = values["recipe"]?.string, let checkpoint = values["checkpoint"]?.string,
      let seed = values["seed"]?.string.flatMap({ UInt64($0) }),
      let count = values["count"]?.integer, (1...10_000).contains(count)
    else { return nil }
    self.init(
      recipe: recipe, checkpoint: checkpoint, seed: seed, count: count,
      prompt: values["prompt"]?.string, settings: values["settings"]?.string ?? "")
  }

  init(
    recipe: String, checkpoint: String, seed: UInt64, count: Int, prompt: String?, settings: String
  ) {
    self.recipe = recipe
    self.checkpoint = checkpoint
    self.seed = seed
    self.count = count
    self.prompt = prompt
    self.settings = settings
  }

  /// The PNG file of all pictures with a note about them.
  static func sheet(_ pictures: [Picture], note: String) throws(Failure) -> [UInt8] {
    let images = pictures.compactMap { try? Image(decoding: $0.png) }
    let columns = max(1, Int(Double(images.count).squareRoot().rounded(.up)))
    let grid = Image.grid(images, columns: columns, gap: 2)
    guard let sheet = try? grid?.pngData(text: [key: note]) else {
      throw Failure(.failed, "the pictures do not fit into one file; take a smaller --count.")
    }
    return sheet
  }
}

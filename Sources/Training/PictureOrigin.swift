import Documents

/// How a picture was made: the note "apus" in its PNG file, by which `apus again` makes the same bytes.
package struct PictureOrigin: Sendable {
  package static let key = "apus"

  /// What of a model the picture shows.
  package enum Content: Sendable, Equatable {
    case samples(count: Int, prompt: String?)
    /// A figure of a run, by its number from 1.
    case figure(Int)
  }

  package var recipe: String
  /// The checkpoint's folder; one that is not absolute begins where the picture lies, so that a run may be moved.
  package var checkpoint: String
  package var seed: UInt64
  package var content: Content
  /// The run's settings as text.
  package var settings: String

  package init(
    recipe: String, checkpoint: String, seed: UInt64, content: Content, settings: String
  ) {
    self.recipe = recipe
    self.checkpoint = checkpoint
    self.seed = seed
    self.content = content
    self.settings = settings
  }

  /// Reads a note; nil where it says something else.
  package init?(note: String) {
    guard let values = try? JSONValue(parsing: Array(note.utf8), depth: 4),
      let recipe = values["recipe"]?.string, let checkpoint = values["checkpoint"]?.string,
      let seed = values["seed"]?.string.flatMap({ UInt64($0) })
    else { return nil }
    let content: Content
    if let count = values["count"]?.integer, (1...10_000).contains(count) {
      content = .samples(count: count, prompt: values["prompt"]?.string)
    } else if let number = values["figure"]?.integer, number > 0 {
      content = .figure(number)
    } else {
      return nil
    }
    self.init(
      recipe: recipe, checkpoint: checkpoint, seed: seed, content: content,
      settings: values["settings"]?.string ?? "")
  }

  /// The text of the note.
  package var note: String {
    var members: [JSONValue.Member] = [
      .init("recipe", .string(recipe)), .init("checkpoint", .string(checkpoint)),
      // As text: seeds have 64 bits without a sign.
      .init("seed", .string(String(seed))),
    ]
    switch content {
    case .samples(let count, let prompt):
      members.append(.init("count", .integer(count)))
      if let prompt { members.append(.init("prompt", .string(prompt))) }
    case .figure(let number): members.append(.init("figure", .integer(number)))
    }
    members.append(.init("settings", .string(settings)))
    return String(decoding: JSONValue.object(members).encoded(), as: UTF8.self)
  }
}

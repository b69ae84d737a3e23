import Documents
import Foundation
import Images
import Reports
import Training

/// What `apus inspect` says of a PNG picture.
struct PictureListing {
  private let image: Image
  private let notes: [(key: String, text: String)]

  /// Nil where the file is no PNG picture.
  init?(_ file: String) throws(ImageError) {
    guard let handle = FileHandle(forReadingAtPath: file),
      let start = try? handle.read(upToCount: 8),
      start == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
      let rest = try? handle.readToEnd()
    else { return nil }
    let bytes = [UInt8](start + rest)
    image = try Image(decoding: bytes, source: file)
    notes = try Image.notes(ofPNG: bytes, source: file).sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }

  func show(_ console: Console) throws(Failure) {
    if console.json {
      // The note of apus as an object, so that programs need not read JSON in JSON.
      let members = notes.map { note in
        let value = PictureOrigin(note: note.text) == nil ? nil : try? JSONValue(note.text)
        return JSONValue.Member(note.key, value ?? .string(note.text))
      }
      return try console.result(
        .object([
          .init("format", .string("png")), .init("width", .integer(image.width)),
          .init("height", .integer(image.height)), .init("channels", .integer(image.channels)),
          .init("notes", .object(members)),
        ]))
    }
    var lines = notes.map { "\(printable($0.key)): \(printable($0.text))" }
    if let origin = notes.first(where: { $0.key == PictureOrigin.key })
      .flatMap({ PictureOrigin(note: $0.text) })
    {
      lines = notes.filter { $0.key != PictureOrigin.key }
        .map { "\(printable($0.key)): \(printable($0.text))" }
      lines += [
        "recipe: \(printable(origin.recipe))", "checkpoint: \(printable(origin.checkpoint))",
        "seed: \(origin.seed), \(origin.content.text)",
      ]
      lines += origin.settings.split(separator: "\n").map { "  " + printable(String($0)) }
    }
    lines.append("png, \(image.width) × \(image.height), \(image.channels) channels")
    try console.result(lines.map(console.output.shown).joined(separator: "\n"))
  }
}

extension PictureOrigin.Content {
  fileprivate var text: String {
    switch self {
    case .samples(let count, _): "\(count) pictures"
    case .figure(let number): "figure \(number) of its run"
    }
  }
}

extension JSONValue {
  fileprivate init(_ text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }
}

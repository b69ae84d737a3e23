import Checkpoints
import Foundation
import Images
import Reports

/// A run's `samples` folder: for every set of samples its figures as JSON, for the gallery, and
/// files that any program opens.
struct Samples {
  let url: URL

  init(_ run: URL) { url = run.appendingPathComponent("samples") }

  /// Writes the figures of a step: `step-000500.json` and a picture, text or sound for each.
  /// - Parameter origin: how the pictures were made; which figure it is and by which checkpoint is filled in.
  func write(_ figures: [Figure], step: Int, _ origin: PictureOrigin) throws(CheckpointError) {
    let name = CheckpointStore.name(step)
    var origin = origin
    origin.checkpoint = "../checkpoints/" + name
    for (number, figure) in figures.enumerated() {
      let suffix = number == 0 ? "" : "-\(number + 1)"
      origin.content = .figure(number + 1)
      for (ending, bytes) in Self.files(of: figure, note: origin.note) {
        try CheckpointStore.write(bytes, to: url.appendingPathComponent(name + suffix + ending))
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(figures) else { return }
    try CheckpointStore.write([UInt8](data), to: url.appendingPathComponent(name + ".json"))
  }

  /// The figures of the last step that has some.
  var newest: [Figure] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    let last = names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".json") }.max {
      ($0.count, $0) < ($1.count, $1)
    }
    guard let last,
      let data = FileManager.default.contents(atPath: url.appendingPathComponent(last).path)
    else { return [] }
    return (try? JSONDecoder().decode([Figure].self, from: data)) ?? []
  }

  /// The files that show a figure, with a note in the pictures.
  static func files(of figure: Figure, note: String) -> [(ending: String, bytes: [UInt8])] {
    switch figure {
    case .pictures(let grid): tiles([grid.pictures], columns: 8, note)
    case .rows(let rows): tiles(rows.rows.map(\.pictures), note)
    case .classes(let classes): tiles(classes.columns.map(\.pictures), note)
    case .denoising(let strip): tiles([strip.states, strip.expected], note)
    case .texts(let texts):
      [(".txt", Array(texts.samples.map { $0.given + $0.text }.joined(separator: "\n\n").utf8))]
    case .sound(let sound): [(".wav", wave(sound))]
    case .translations(let table):
      [
        (
          ".txt",
          Array(
            table.rows.map { "\($0.source)\n→ \($0.translation)\n= \($0.reference)" }
              .joined(separator: "\n\n").utf8)
        )
      ]
    case .density, .confusion, .alignment, .nothing: []
    }
  }

  /// Rows of pictures as one; a single row is broken after `columns`.
  private static func tiles(
    _ rows: [[Picture]], columns: Int? = nil, _ note: String
  ) -> [(ending: String, bytes: [UInt8])] {
    let images = rows.map { $0.compactMap { try? Image(decoding: $0.png).rgb() } }
    guard let first = images.first?.first else { return [] }
    let width = columns ?? images.map(\.count).max() ?? 1
    let blank = Image(width: first.width, height: first.height, channels: 3, filledWith: [255])
    let fitting = images.map { row in
      row.filter { $0.width == first.width && $0.height == first.height }
    }
    let cells = fitting.flatMap { row in
      row + Array(repeating: blank, count: (width - row.count % width) % width)
    }
    let grid = Image.grid(cells, columns: width)
    guard let png = try? grid?.pngData(text: [PictureOrigin.key: note]) else { return [] }
    return [(".png", png)]
  }

  /// A WAVE file of one channel with 8 bits a sample.
  private static func wave(_ sound: SoundSample) -> [UInt8] {
    func little(_ value: Int, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let count = sound.samples.count
    let format =
      little(1, 2) + little(1, 2) + little(sound.rate, 4) + little(sound.rate, 4)
      + little(1, 2) + little(8, 2)
    return Array("RIFF".utf8) + little(36 + count + count % 2, 4) + Array("WAVEfmt ".utf8)
      + little(16, 4) + format + Array("data".utf8) + little(count, 4) + sound.samples
      + [UInt8](repeating: 128, count: count % 2)
  }
}

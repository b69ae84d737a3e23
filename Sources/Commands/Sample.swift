import ArgumentParser
import Documents
import Foundation
import Images
import Recipes
import Reports
import Training

struct SampleCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Lets a trained model make pictures or texts.",
    discussion: """
      Pictures are written as one PNG, texts to standard output or into the file. \
      The first samples of the seed are shown, whatever they are.
      """)

  @Option(help: "The run's folder.", completion: .directory)
  var run: String

  @Option(help: "How many pictures or texts to make, 1 to 10000 (default: one set of the recipe).")
  var count: Int?

  @Option(help: "The file to write; needed for pictures.", completion: .file())
  var out: String?

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let count, !(1...10_000).contains(count) {
      throw ValidationError("--count \(count) is not between 1 and 10000")
    }
  }

  func execute(_ console: Console) throws {
    try compute.apply()
    let seed = try compute.chosenSeed() ?? 0
    let run = try existingRun(run)
    let start = ContinuousClock.now
    var samples = Samples()
    try Recipes.named(run.recipe).draw(run, seed: seed) { figures in
      let before = samples.count
      for figure in figures { samples.add(figure) }
      return samples.count > before && samples.count < count ?? 0
    }
    samples.keep(count)
    let elapsed = ContinuousClock.now - start
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    guard samples.count > 0 else {
      throw Failure(.failed, "\(run.recipe) makes nothing that can be written to a file.")
    }
    let outputs = try samples.write(to: out)
    guard console.json else {
      try console.result(outputs.joined(separator: "\n"))
      console.note(
        "\(samples.count) in \(Wording.duration(seconds)), seed \(seed)"
          .replacing("\u{A0}", with: " "))
      return
    }
    try console.result(
      .object([
        .init("seed", .integer(Int(clamping: seed))),
        .init("outputs", .array(outputs.map(JSONValue.string))), .init("seconds", .number(seconds)),
        .init("items_per_s", .number(Double(samples.count) / max(seconds, 1e-9))),
      ]))
  }
}

/// What a model made, by kind.
private struct Samples {
  var pictures: [Picture] = []
  var texts: [String] = []

  var count: Int { pictures.isEmpty ? texts.count : pictures.count }

  mutating func add(_ figure: Figure) {
    switch figure {
    case .pictures(let grid): pictures += grid.pictures
    case .rows(let rows): pictures += rows.rows.flatMap(\.pictures)
    case .classes(let classes): pictures += classes.columns.flatMap(\.pictures)
    case .denoising(let strip): pictures += strip.samples?.pictures ?? strip.states
    case .texts(let samples): texts += samples.samples.map { $0.given + $0.text }
    case .sound, .density, .confusion, .nothing: break
    }
  }

  mutating func keep(_ count: Int?) {
    guard let count else { return }
    pictures = Array(pictures.prefix(count))
    texts = Array(texts.prefix(count))
  }

  /// Writes the samples.
  /// - Returns: the path of the file, or the texts.
  func write(to path: String?) throws -> [String] {
    guard !pictures.isEmpty else {
      guard let path else { return texts }
      try OutputFile.write(Data((texts.joined(separator: "\n\n") + "\n").utf8), to: path)
      return [path]
    }
    guard let path else {
      throw Failure(.usage, "pictures need a file.", attempts: ["--out samples.png"])
    }
    let images = try pictures.map { try Image(decoding: $0.png) }
    let columns = max(1, Int(Double(images.count).squareRoot().rounded(.up)))
    guard let sheet = Image.grid(images, columns: columns, gap: 2) else { return [] }
    try OutputFile.write(Data(sheet.pngData()), to: path)
    return [path]
  }
}

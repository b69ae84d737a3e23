import ArgumentParser
import Documents
import Foundation
import Images
import Recipes
import Reports
import Training

struct SampleCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Lets a trained or published model make pictures or texts.",
    discussion: """
      Pictures are written as one PNG, texts and points to standard output or into the file. \
      The first samples of the seed are shown, whatever they are. A PNG carries how it was made: \
      apus inspect shows it, apus again makes the same bytes of it.
      """)

  @OptionGroup var source: ModelOptions

  @Option(help: "How many pictures, texts or points to make, 1 to 10000 (default: 16; texts: 1).")
  var count: Int?

  @Option(
    help: """
      The text to go on with (default: the recipe's own); for published models it may be given \
      several times.
      """)
  var prompt: [String] = []

  @Option(help: "The file to write; needed for pictures.", completion: .file())
  var out: String?

  @OptionGroup(title: "Options for published language models")
  var generation: GenerationOptions

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let count, !(1...10_000).contains(count) {
      throw ValidationError("--count \(count) is not between 1 and 10000")
    }
  }

  func execute(_ console: Console) throws {
    try compute.run(console) { try sample(console) }
  }

  private func sample(_ console: Console) throws {
    let seed = try compute.chosenSeed() ?? 0
    if let model = source.model, TextSample.isPublished(URL(fileURLWithPath: model)) {
      let sample = TextSample(
        folder: URL(fileURLWithPath: model), prompts: prompt.isEmpty ? [""] : prompt,
        count: count ?? 1, seed: seed,
        out: out)
      return try sample.run(generation, console)
    }
    guard generation.isEmpty else {
      throw Failure(
        .usage, "how to write can be said for folders of published weights only.",
        attempts: ["--model FOLDER with a config.json"])
    }
    let model = try source.trained()
    let recipe = try Recipes.named(model.recipe)
    if !prompt.isEmpty, !recipe.takesPrompts {
      let others = Recipes.all.filter { $0.takesPrompts }.map { $0.method.name }
      throw Failure(
        .invalid, "\(model.recipe) takes no prompt; \(others.joined(separator: " and ")) do.")
    }
    let start = ContinuousClock.now
    guard prompt.count < 2 else {
      throw Failure(.usage, "\(model.recipe) goes on with one prompt at a time.")
    }
    let count = count ?? (recipe.takesPrompts ? 1 : 16)
    var origin = PictureOrigin(
      recipe: model.recipe, checkpoint: "", seed: seed,
      content: .samples(count: count, prompt: prompt.first), settings: model.settingsText ?? "")
    let batch = try recipe.sample(
      model, prompt: prompt.first, count: count, seed: seed,
      warn: { console.note("apus: " + $0) },
      loaded: { origin.checkpoint = $0.standardizedFileURL.path })
    let elapsed = ContinuousClock.now - start
    guard let batch else { throw Failure(.invalid, "\(model.recipe) makes no samples.") }
    try show(batch, origin, seconds: elapsed / .seconds(1), console)
  }

  private func show(
    _ batch: SampleBatch, _ origin: PictureOrigin, seconds: Double, _ console: Console
  ) throws(Failure) {
    let seed = origin.seed
    let outputs = try batch.write(to: out, origin)
    guard console.json else {
      try console.result(outputs.joined(separator: batch.separator))
      console.note(
        "\(batch.count) in \(Wording.duration(seconds)), seed \(seed)"
          .replacing("\u{A0}", with: " "))
      return
    }
    try console.result(
      .object([
        .init("seed", .integer(Int(clamping: seed))),
        .init("outputs", .array(outputs.map(JSONValue.string))), .init("seconds", .number(seconds)),
        .init("items_per_s", .number(Double(batch.count) / max(seconds, 1e-9))),
      ]))
  }
}

extension SampleBatch {
  fileprivate var count: Int {
    switch self {
    case .pictures(let pictures): pictures.count
    case .texts(let texts): texts.count
    }
  }

  /// What stands between texts: a line where one has several, else they are lines themselves.
  fileprivate var separator: String {
    guard case .texts(let texts) = self, texts.contains(where: { $0.contains("\n") }) else {
      return "\n"
    }
    return "\n\n"
  }

  /// Writes the samples.
  /// - Returns: the path of the file, or the texts.
  fileprivate func write(to path: String?, _ origin: PictureOrigin) throws(Failure) -> [String] {
    switch self {
    case .texts(let texts):
      guard let path else { return texts }
      try OutputFile.write((texts.joined(separator: separator) + "\n").utf8, to: path)
      return [path]
    case .pictures(let pictures):
      guard let path else {
        throw Failure(.usage, "pictures need a file.", attempts: ["--out samples.png"])
      }
      let sheet = try sheet(pictures, note: origin.note)
      try OutputFile.write(sheet, to: path)
      return [path]
    }
  }
}

/// The PNG file of all pictures with a note about how they were made.
func sheet(_ pictures: [Picture], note: String) throws(Failure) -> [UInt8] {
  let images = pictures.compactMap { try? Image(decoding: $0.png) }
  let columns = max(1, Int(Double(images.count).squareRoot().rounded(.up)))
  let grid = Image.grid(images, columns: columns, gap: 2)
  guard let sheet = try? grid?.pngData(text: [PictureOrigin.key: note]) else {
    throw Failure(.failed, "the pictures do not fit into one file; take a smaller --count.")
  }
  return sheet
}

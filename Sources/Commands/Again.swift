import ArgumentParser
import Documents
import Foundation
import Images
import Recipes
import Training

struct AgainCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "again",
    abstract: "Makes a picture of apus sample or apus train again from its own file.",
    discussion: """
      Pictures carry how they were made; apus inspect shows it. The checkpoint must still be there \
      (a run keeps its newest and its best), and the same bytes come out. Without --out nothing is written: the command says whether they \
      do. The exit code is 1 where they do not.
      """)

  @Argument(help: "The PNG file.", completion: .file(extensions: ["png"]))
  var file: String

  @Option(help: "The file to write.", completion: .file())
  var out: String?

  @Option(
    help: "Where the checkpoint's folder, or its run's, lies now, if it was moved.",
    completion: .directory)
  var model: String?

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    try compute.run(console) { try again(console) }
  }

  private func again(_ console: Console) throws {
    let bytes = try existingFile()
    let notes = try Image.notes(ofPNG: bytes, source: file)
    guard let note = notes[PictureOrigin.key], let origin = PictureOrigin(note: note) else {
      throw Failure(.invalid, "\(file) does not say how apus made it.", attempts: ["apus sample"])
    }
    let folder = try checkpoint(of: origin)
    let trained = try TrainedModel(folder: folder)
    guard trained.recipe == origin.recipe else {
      throw Failure(
        .invalid,
        "\(folder.path) is a model of \(trained.recipe); \(file) was made by \(origin.recipe).")
    }
    let sheet = try picture(origin, note: note, trained, console)
    if let out { try OutputFile.write(sheet, to: out) }
    let isSame = sheet == bytes
    guard console.json else {
      let name = out ?? file
      try console.result("\(name): \(isSame ? "the same" : "other") bytes")
      return try end(isSame, console)
    }
    let outputs = [out].compactMap { $0 }.map(JSONValue.string)
    try console.result(
      .object([
        .init("identical", .bool(isSame)), .init("outputs", .array(outputs)),
        .init("command", origin.command.map(JSONValue.string) ?? .null),
      ]))
    try end(isSame, console)
  }

  /// The folder of the checkpoint that made the picture.
  private func checkpoint(of origin: PictureOrigin) throws(Failure) -> URL {
    let beside = URL(fileURLWithPath: file).deletingLastPathComponent()
    let original = URL(fileURLWithPath: origin.checkpoint, relativeTo: beside).standardizedFileURL
    let given = model.map { URL(fileURLWithPath: $0) }
    // A run's folder stands for the checkpoint of this name in it.
    let inRun = given?.appendingPathComponent("checkpoints/\(original.lastPathComponent)")
    let folders = [inRun, given ?? original].compactMap(\.self)
    if let folder = folders.first(where: { FileManager.default.fileExists(atPath: $0.path) }) {
      return folder
    }
    throw Failure(
      .missing,
      "the checkpoint \(folders[folders.count - 1].path), which made \(file), is not there.",
      facts: [("a run", "keeps its newest checkpoints and its best (--set keep=N)")],
      attempts: ["apus again \(file) --model FOLDER, where it lies now"])
  }

  private func picture(
    _ origin: PictureOrigin, note: String, _ model: TrainedModel, _ console: Console
  ) throws -> [UInt8] {
    let recipe = try Recipes.named(origin.recipe)
    func warn(_ text: String) { console.note("apus: " + text) }
    switch origin.content {
    case .samples(let count, let prompt):
      let batch = try recipe.sample(
        model, prompt: prompt, count: count, seed: origin.seed, warn: warn)
      if case .pictures(let pictures) = batch { return try sheet(pictures, note: note) }
    case .figure(let number):
      if let picture = try recipe.picture(ofFigure: number, model, note: note, warn: warn) {
        return picture
      }
    }
    throw Failure(.invalid, "\(origin.recipe) makes no such picture.")
  }

  private func end(_ isSame: Bool, _ console: Console) throws {
    if !isSame {
      console.note("another device, version or processor may round differently.")
      throw ExitCode(1)
    }
  }

  private func existingFile() throws(Failure) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure(.missing, "\(file) cannot be read.")
    }
    return [UInt8](data)
  }
}

extension PictureOrigin {
  /// The command that makes such a sheet of samples.
  fileprivate var command: String? {
    guard case .samples(let count, let prompt) = content else { return nil }
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
    let beginning = prompt.map { " --prompt " + quoted($0) } ?? ""
    return "apus sample --model \(quoted(checkpoint))\(beginning) --count \(count) --seed \(seed)"
  }
}

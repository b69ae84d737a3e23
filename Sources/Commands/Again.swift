import ArgumentParser
import Documents
import Foundation
import Images
import Recipes
import Training

struct AgainCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "again", abstract: "Makes a picture of apus sample again from its own file.",
    discussion: """
      Pictures carry how they were made; apus inspect shows it. The checkpoint must still be there, \
      and the same bytes come out. Without --out nothing is written: the command says whether they \
      do. The exit code is 1 where they do not.
      """)

  @Argument(help: "The PNG file.", completion: .file(extensions: ["png"]))
  var file: String

  @Option(help: "The file to write.", completion: .file())
  var out: String?

  @Option(help: "Where the checkpoint's folder lies now, if it was moved.", completion: .directory)
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
    let folder = model ?? origin.checkpoint
    guard FileManager.default.fileExists(atPath: folder) else {
      throw Failure(
        .missing, "the checkpoint \(folder), which made \(file), is not there any more.",
        attempts: ["apus again \(file) --model FOLDER, where it lies now"])
    }
    let trained = try TrainedModel(folder: URL(fileURLWithPath: folder))
    guard trained.recipe == origin.recipe else {
      throw Failure(
        .invalid, "\(folder) is a model of \(trained.recipe); \(file) was made by \(origin.recipe)."
      )
    }
    let batch = try Recipes.named(origin.recipe).sample(
      trained, prompt: origin.prompt, count: origin.count, seed: origin.seed
    ) { console.note("apus: " + $0) }
    guard case .pictures(let pictures) = batch else {
      throw Failure(.invalid, "\(origin.recipe) makes no pictures.")
    }
    let sheet = try PictureOrigin.sheet(pictures, note: note)
    if let out { try OutputFile.write(Data(sheet), to: out) }
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
        .init("command", .string(origin.command)),
      ]))
    try end(isSame, console)
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

import Foundation
import Reports
import Testing
import Training

@Suite struct SettingsTests {
  /// The configuration that a run of no steps leaves, or the error that it ends with.
  private func run(
    _ assignments: [String] = [], yaml: String? = nil, steps: Int? = 0
  ) throws(TrainingError) -> String {
    let scratch = Scratch()
    var request = TrainingRequest(folder: scratch["run"], assignments: assignments, steps: steps)
    if let yaml {
      try? Data(yaml.utf8).write(to: scratch["my.yaml"])
      request.configurations = [scratch["my.yaml"]]
    }
    _ = try DenoisingRecipe.train(request)
    let data = FileManager.default.contents(atPath: scratch["run/config.yaml"].path) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  private func failure(_ assignments: [String] = [], yaml: String? = nil) -> TrainingError? {
    do {
      _ = try run(assignments, yaml: yaml, steps: nil)
      return nil
    } catch { return error }
  }

  @Test func assignmentsCountMoreThanFilesAndFilesMoreThanDefaults() throws {
    let text = try run(
      ["width=5", "learning_rate=1e-4"], yaml: "width: 4\nnoise: 0.25\nclip: null\n")
    #expect(text.hasPrefix("recipe: denoise-moons\nseed: 0\nsteps: 0\nbatch_size: 16\n"))
    #expect(text.contains("\nwidth: 5\nnoise: 0.25\naccumulate: 1\nclip: null\ncenters: true\n"))
    #expect(text.contains("\nlearning_rate:\n  rate: 0.0001\n  schedule: constant\n"))
  }

  @Test func whatARunWritesCanBeFedBack() throws {
    let text = try run(["width=3", "evaluate_every=7", "clip=0.5"])
    #expect(try run(yaml: text) == text)
  }

  @Test func anUnknownKeyIsNamedWithItsLineAndTheKnownOnes() {
    guard
      case .unknownSetting(let name, let known, let place)? = failure(
        yaml: "width: 4\n\nlearning_rat: 1\n")
    else {
      Issue.record("no error for an unknown key")
      return
    }
    #expect(name == "learning_rat")
    #expect(place.hasSuffix("my.yaml, line 3"))
    #expect(known.starts(with: ["seed", "steps", "batch_size", "learning_rate"]))
    #expect(known.contains("patience") && known.contains("clip"))
  }

  @Test(
    arguments: [
      ("width=wide", "--set: width takes a whole number, not \"wide\"."),
      ("width=1.5", "--set: width takes a whole number, not \"1.5\"."),
      ("noise=strong", "--set: noise takes a number, not \"strong\"."),
      ("batch_size=0", "denoise-moons: batch_size takes 1 to 1000000, not 0."),
      (
        "batch_size=101",
        "denoise-moons: batch_size takes 1 to 100, the number of training items, not 101."
      ),
      ("evaluate_every=0", "denoise-moons: evaluate_every takes 1 to 1000000000000, not 0."),
      ("steps=-1", "denoise-moons: steps takes 0 to 1000000000000, not -1."),
      ("seed=-1", "--set: seed takes a whole number in range, not \"-1\"."),
      ("width=[1, 2]", "--set: width takes a whole number, not a list."),
      ("width", "--set: width is no key=value."),
      ("recipe=other", "--set: recipe is \"other\", but denoise-moons is asked for."),
    ])
  func aWrongValueIsExplained(assignment: String, message: String) {
    let error = failure([assignment])
    #expect(error?.message.summary == message)
    #expect(error?.exitCode == 64)
  }

  @Test func aTypingErrorGetsTheNameThatWasMeant() {
    let summary = failure(["lerning_rate=1"])?.message.summary
    #expect(
      summary == "--set: there is no setting \"lerning_rate\"; did you mean learning_rate?")
  }

  @Test func nestedSettingsThatAskForEachOtherAreTakenTogether() throws {
    let file = "learning_rate:\n  schedule: step\n  every: 10\n  factor: 0.5\n"
    let text = try run(yaml: file)
    for line in ["  rate: 0.01\n", "  schedule: step\n", "  every: 10\n"] {
      #expect(text.contains(line))
    }
    #expect(try run(["learning_rate={rate: 0.1, schedule: cosine}"]).contains("  rate: 0.1\n"))
    #expect(try run(["learning_rate.warmup=30"]).contains("  warmup: 30\n"))
    #expect(failure(["learning_rate.cooldown=3"])?.kind == "unknown_setting")
    #expect(try run(["learning_rate.rate=0.2"]).contains("  rate: 0.2\n  schedule: linear\n"))
    #expect(failure(yaml: "learning_rate:\n  shedule: step\n")?.kind == "unknown_setting")
    #expect(failure(yaml: "learning_rate:\n  schedule: stairs\n")?.kind == "wrong_setting")
  }

  @Test func textThatIsNoYAMLIsRefusedWithItsFile() {
    guard case .configuration(let file, _)? = failure(yaml: "a: [1\nb: }") else {
      Issue.record("no error for broken YAML")
      return
    }
    #expect(file.hasSuffix("my.yaml"))
    #expect(failure(yaml: "just words")?.exitCode == 2)
  }
}

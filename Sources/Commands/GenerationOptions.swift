import ArgumentParser
import Documents
import Foundation
import Published
import Samplers

/// How a published network writes; what is not given is what its folder says.
struct GenerationOptions: ParsableArguments {
  @Option(help: "The most tokens to write (default: the folder's, else 128).")
  var maxNewTokens: Int?

  @Option(help: "No end before so many tokens are written.")
  var minNewTokens: Int?

  @Flag(
    inversion: .prefixedNo, help: "Draw tokens, or always take the likeliest one.")
  var draw: Bool?

  @Option(help: "Below 1 likely tokens become likelier; 0 takes the likeliest. Draws.")
  var temperature: Double?

  @Option(help: "Only so many of the likeliest tokens; 0: all. Draws.")
  var topK: Int?

  @Option(help: "Only the likeliest tokens that have this probability together. Draws.")
  var topP: Double?

  @Option(help: "Only tokens of at least this share of the likeliest one's probability. Draws.")
  var minP: Double?

  @Option(help: "Only tokens of about the expected surprise, of this probability. Draws.")
  var typicalP: Double?

  @Option(help: "What repeated tokens are divided by; 1: nothing.")
  var repetitionPenalty: Double?

  @Option(help: "What a token loses once it has been written.")
  var presencePenalty: Double?

  @Option(help: "What a token loses for each time it has been written.")
  var frequencyPenalty: Double?

  @Option(help: "No run of so many tokens comes twice.")
  var noRepeatNgramSize: Int?

  @Option(help: "Follow so many texts at once and take the best.")
  var numBeams: Int?

  @Option(help: "Groups of beams that avoid each other's tokens.")
  var numBeamGroups: Int?

  @Option(help: "What a token loses for each group of beams that has just taken it.")
  var diversityPenalty: Double?

  @Option(help: "Above 0 beam search prefers long texts, below 0 short ones.")
  var lengthPenalty: Double?

  @Option(
    help: "When beam search is done: true, false or never.",
    completion: .list(["true", "false", "never"]))
  var earlyStopping: String?

  @Option(help: "A text that ends the writing; may be given several times.")
  var stop: [String] = []

  @Option(help: "A text that must not be written; may be given several times.")
  var badWords: [String] = []

  @Option(
    name: .customLong("set"),
    help: "Any value of generation_config.json, such as top_h=0.4; may be given several times.")
  var values: [String] = []

  @Option(
    help: "The folder of a smaller model of the same tokens that proposes some.",
    completion: .directory)
  var draft: String?

  @Option(help: "How many tokens the draft model proposes at once.")
  var numAssistantTokens: Int?

  /// Whether anything is given.
  var isEmpty: Bool {
    let options: [Any?] = [
      maxNewTokens, minNewTokens, draw, temperature, topK, topP, minP, typicalP,
      repetitionPenalty, presencePenalty, frequencyPenalty, noRepeatNgramSize, numBeams,
      numBeamGroups, diversityPenalty, lengthPenalty, earlyStopping, draft, numAssistantTokens,
    ]
    return options.allSatisfy { $0 == nil } && stop.isEmpty && badWords.isEmpty && values.isEmpty
  }

  /// Changes what is given.
  func apply(to settings: inout GenerationSettings, _ writer: TextWriter) throws {
    func take<T>(_ value: T?, _ place: WritableKeyPath<GenerationSettings, T>) {
      if let value { settings[keyPath: place] = value }
    }
    // A file's greatest length counts the prompt; the user's does not.
    if let maxNewTokens { settings.maxNewTokens = maxNewTokens }
    take(minNewTokens, \.minNewTokens)
    take(temperature, \.temperature)
    take(topK, \.topK)
    take(topP, \.topP)
    if let minP { settings.minP = minP }
    take(typicalP, \.typicalP)
    take(repetitionPenalty, \.repetitionPenalty)
    take(presencePenalty, \.presencePenalty)
    take(frequencyPenalty, \.frequencyPenalty)
    take(noRepeatNgramSize, \.noRepeatNgramSize)
    take(numBeams, \.numBeams)
    take(numBeamGroups, \.numBeamGroups)
    take(diversityPenalty, \.diversityPenalty)
    take(lengthPenalty, \.lengthPenalty)
    take(numAssistantTokens, \.numAssistantTokens)
    settings.stopStrings += stop
    settings.badWordsIds += badWords.map(writer.tokens).filter { !$0.isEmpty }
    let draws = [temperature, topP, minP, typicalP].contains { $0 != nil } || topK != nil
    settings.doSample = draw ?? (draws ? true : settings.doSample)
    try settings.update(fromValues: values + (earlyStopping.map { ["early_stopping=\($0)"] } ?? []))
  }
}

extension GenerationSettings {
  /// Takes over `name=value` with the names of `generation_config.json`; values are JSON, or texts without quotes.
  fileprivate mutating func update(fromValues values: [String]) throws {
    for value in values {
      let parts = value.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else {
        throw Failure(
          .usage, "--set \(value) has no value.", attempts: ["--set repetition_penalty=1.2"])
      }
      let name = String(parts[0])
      guard Self.names.contains(name) else {
        throw Failure.unknownName(
          name, of: "setting", among: Self.names, attempts: ["--set repetition_penalty=1.2"])
      }
      let json = (try? JSONValue(parsing: Array(parts[1].utf8))) ?? .string(String(parts[1]))
      try update(
        from: ModelConfiguration(.object([.init(name, json)]), file: "--set \(name)"))
    }
  }
}

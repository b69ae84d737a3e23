import Documents
import Foundation
import Samplers
import Tensors
import TestSupport
import Testing

/// The rules about the next token against those of transformers.
@Suite struct ProcessorFixturesTests {
  @Test(arguments: GenerationFixtures.rows("processors"))
  func `A rule changes logits as its reference does`(_ row: GenerationFixtures.Row) throws {
    let logits = row["logits"].floatRows
    let expected = row["expected"].floatRows
    if row["name"].string == "classifier_free_guidance" {
      let scale = try #require(row["parameters"]["guidance_scale"]?.double)
      for i in expected.indices {
        let guided = guidedLogits(logits[i], against: logits[i + expected.count], scale: scale)
        #expect(areNear(guided, expected[i]))
      }
      return
    }
    for (i, ids) in row["input_ids"].intRows.enumerated() {
      let rule = try #require(try Self.rule(row["name"].string ?? "", row["parameters"], text: i))
      var own = logits[i]
      rule(&own, Self.history(ids, row["parameters"], text: i))
      let isSorted = row["compare"].string == "sorted"
      #expect(areNear(isSorted ? own.sorted() : own, isSorted ? expected[i].sorted() : expected[i]))
    }
  }

  private static func history(_ ids: [Int], _ parameters: JSONValue, text: Int) -> TokenHistory {
    TokenHistory(
      ids, promptLength: (parameters["prompt_length"] ?? parameters["begin_index"])?.integer,
      greatestLength: parameters["max_length"]?.integer ?? .max, prompt: text,
      source: parameters["encoder_input_ids"]?.intRows[text] ?? [])
  }

  /// The rule of a name, nil where there is none.
  private static func rule(_ name: String, _ parameters: JSONValue, text: Int) throws
    -> (any LogitsProcessor)?
  {
    let least = parameters["min_tokens_to_keep"]?.integer ?? 1
    func number(_ name: String) throws -> Double { try #require(parameters[name]?.double) }
    func ids(_ name: String) -> [Int] { parameters[name]?.ints ?? [] }
    switch name {
    case "temperature": return Temperature(try number(name))
    case "top_k": return TopK(Int(try number(name)), atLeast: least)
    case "top_p": return TopP(try number(name), atLeast: least)
    case "min_p": return MinP(try number(name), atLeast: least)
    case "typical_p": return Typical(try number(name), atLeast: least)
    case "top_h": return TopH(try number(name))
    case "epsilon_cutoff": return EpsilonCutoff(try number(name), atLeast: least)
    case "eta_cutoff":
      return EpsilonCutoff(try number(name), followsEntropy: true, atLeast: least)
    case "repetition_penalty":
      return RepetitionPenalty(
        try number(name), ignoring: parameters["prompt_ignore_length"]?.integer ?? 0)
    case "presence_frequency_penalty":
      return FrequencyPenalty(
        presence: try number("presence_penalty"), frequency: try number("frequency_penalty"))
    case "encoder_repetition_penalty":
      return RepetitionPenalty(1 / (try number("penalty")), of: .source)
    case "no_repeat_ngram": return RepeatedRuns(Int(try number("no_repeat_ngram_size")))
    case "encoder_no_repeat_ngram":
      return RepeatedRuns(Int(try number("encoder_no_repeat_ngram_size")), of: .source)
    case "bad_words":
      return TokenBias(
        forbidding: parameters["bad_words_ids"]?.intRows ?? [], except: ids("eos_token_id"))
    case "sequence_bias":
      return TokenBias(try parameters.settings().sequenceBias)
    case "min_length": return LeastLength(Int(try number(name)), ids("eos_token_id"))
    case "min_new_tokens":
      return LeastLength(Int(try number(name)), ids("eos_token_id"), countsPrompt: false)
    case "forced_bos": return ForcedTokens(ids("forced_bos_token_id"), at: 1)
    case "forced_eos": return ForcedTokens(ids("forced_eos_token_id"), at: nil)
    case "remove_invalid_values": return FiniteLogits()
    case "suppress_tokens": return SuppressedTokens(ids(name))
    case "begin_suppress_tokens": return SuppressedTokens(ids(name), at: .begin)
    case "prefix_constrained":
      let allowed = parameters["allowed_token_ids"]?.intRows ?? []
      return AllowedTokens { allowed[$0.prompt] }
    default: return nil
    }
  }

  @Test(arguments: GenerationFixtures.rows("pipelines"))
  func `Settings apply their rules in the order of the reference`(_ row: GenerationFixtures.Row)
    throws
  {
    var settings = try row["settings"].settings()
    settings.doSample = true
    let (logits, expected) = (row["logits"].floatRows, row["expected"].floatRows)
    for (i, ids) in row["input_ids"].intRows.enumerated() {
      var own = logits[i]
      let text = TokenHistory(
        ids, promptLength: row["prompt_length"].integer,
        greatestLength: settings.greatestLength(prompt: 0), prompt: i)
      for rule in settings.rules { rule(&own, text) }
      #expect(areNear(own, expected[i]))
    }
  }

  /// Folders with the logits of several texts and what each rule makes of them.
  private static let folders = Fixture.all {
    $0.config["architecture"]?.string == "LogitsProcessor"
  }

  @Test(arguments: folders)
  func `Every rule of a folder changes its logits as the library does`(_ fixture: Fixture) throws {
    let logits = try fixture.tensor("input.scores")
    let (count, width) = (logits.shape[0], logits.shape[1])
    let ids = try fixture.tensor("input.input_ids").doubles().map { Int($0) }
    let names = fixture.names("output.")
    #expect(!names.isEmpty)
    for name in names {
      let argument = name == "no_repeat_ngram" ? "ngram" : name
      let value = try #require(fixture.config["arguments"]?[argument], "\(name)")
      let setting = name == "no_repeat_ngram" ? "no_repeat_ngram_size" : name
      let parameters = JSONValue.object([.init(setting, value)])
      let rule = try #require(try Self.rule(name, parameters, text: 0), "\(name)")
      let expected = try fixture.tensor("output." + name).floats()
      for i in 0..<count {
        var own = Array(logits.floats()[(i * width)..<((i + 1) * width)])
        let length = ids.count / count
        rule(&own, TokenHistory(Array(ids[(i * length)..<((i + 1) * length)])))
        #expect(areNear(own, Array(expected[(i * width)..<((i + 1) * width)])), "\(name) \(i)")
      }
    }
  }
}

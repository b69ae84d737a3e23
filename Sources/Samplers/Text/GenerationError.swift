/// Why no text can be generated: what is wrong and how to mend it.
public enum GenerationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A setting, by its name in `generation_config.json`.
  case setting(name: String, problem: String)
  /// A prompt, by its place among the prompts.
  case prompt(index: Int, problem: String)

  public var description: String {
    switch self {
    case .setting(let name, let problem): "\(name) \(problem)"
    case .prompt(let index, let problem): "prompt \(index + 1) \(problem)"
    }
  }
}

extension GenerationSettings {
  /// Refuses values that mean nothing.
  public func check() throws(GenerationError) {
    func require(_ holds: Bool, _ key: CodingKeys, _ problem: String) throws(GenerationError) {
      guard holds else { throw .setting(name: key.rawValue, problem: problem) }
    }
    func share(_ value: Double?, _ key: CodingKeys) throws(GenerationError) {
      try require(
        value.map { (0...1).contains($0) } ?? true, key, "is \(value ?? 0), not between 0 and 1")
    }
    func atLeast(_ least: Int, _ value: Int?, _ key: CodingKeys) throws(GenerationError) {
      try require(value ?? least >= least, key, "is \(value ?? 0), less than \(least)")
    }
    try share(topP, .topP)
    try share(minP, .minP)
    try share(typicalP, .typicalP)
    try share(topH, .topH)
    try share(epsilonCutoff, .epsilonCutoff)
    try share(etaCutoff, .etaCutoff)
    try atLeast(0, maxNewTokens, .maxNewTokens)
    try atLeast(1, maxLength, .maxLength)
    try atLeast(0, topK, .topK)
    try atLeast(0, noRepeatNgramSize, .noRepeatNgramSize)
    try atLeast(0, encoderNoRepeatNgramSize, .encoderNoRepeatNgramSize)
    try atLeast(1, numBeams, .numBeams)
    try atLeast(1, numBeamGroups, .numBeamGroups)
    try atLeast(1, numReturnSequences, .numReturnSequences)
    try atLeast(1, numAssistantTokens, .numAssistantTokens)
    try require(
      temperature >= 0 && temperature.isFinite, .temperature,
      "is \(temperature); it must be 0 or more")
    try require(
      repetitionPenalty > 0, .repetitionPenalty, "is \(repetitionPenalty); it must be above 0")
    try require(
      encoderRepetitionPenalty > 0, .encoderRepetitionPenalty,
      "is \(encoderRepetitionPenalty); it must be above 0")
    try require(
      numBeams % numBeamGroups == 0, .numBeamGroups,
      "is \(numBeamGroups), which does not divide the \(numBeams) beams")
    try require(
      isRandom || numReturnSequences <= numBeams, .numReturnSequences,
      "is \(numReturnSequences), but \(numBeams) beams give no more than \(numBeams) texts; "
        + "draw them with do_sample, or take more beams")
    try require(
      badWordsIds.allSatisfy { !$0.isEmpty }, .badWordsIds, "has an empty list of tokens")
    try require(
      sequenceBias.allSatisfy { !$0.tokens.isEmpty }, .sequenceBias, "has an empty list of tokens")
  }
}

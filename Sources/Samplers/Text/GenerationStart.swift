/// What every way of generation begins with: checked prompts and settings.
struct GenerationStart: Sendable {
  let settings: GenerationSettings
  /// One for each text that is followed: each prompt's side by side.
  let texts: [TokenHistory]
  /// The same for the model: at the left as much padding as makes all as long as the longest.
  let rows: [[Int]]
  let padding: [Int]
  /// The token that fills up ended texts.
  let pad: Int
  /// Texts for each prompt.
  let copies: Int
  let rules: [any LogitsProcessor]

  /// - Parameters:
  ///   - texts: texts that are followed for each prompt.
  ///   - context: tokens that the model can look back on; nil: any number.
  init(
    _ prompts: [[Int]], _ sources: [[Int]], _ settings: GenerationSettings, texts: Int,
    context: Int?
  ) throws(GenerationError) {
    try settings.check()
    let context = context ?? .max
    guard !prompts.isEmpty else { throw .prompt(index: 0, problem: "is missing") }
    for (i, prompt) in prompts.enumerated() {
      guard !prompt.isEmpty else {
        throw .prompt(index: i, problem: "has no tokens; give one at least")
      }
      guard prompt.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
        throw .prompt(index: i, problem: "has a token that is no token's number")
      }
      guard prompt.count <= context else {
        throw .prompt(
          index: i,
          problem: "has \(prompt.count) tokens, but the model looks back on \(context); shorten it")
      }
    }
    self.settings = settings
    let longest = prompts.map(\.count).max() ?? 0
    let pad = settings.padTokenId ?? settings.eosTokenId.first ?? 0
    var (histories, rows, padding) = ([TokenHistory](), [[Int]](), [Int]())
    for (i, prompt) in prompts.enumerated() {
      let missing = longest - prompt.count
      // The last token is written, never read.
      let room = context == .max ? .max : context + 1
      let greatest = min(settings.greatestLength(prompt: prompt.count), room)
      guard greatest >= prompt.count else {
        throw .prompt(
          index: i,
          problem: "has \(prompt.count) tokens, but max_length is \(greatest) with the "
            + "prompt; give max_new_tokens")
      }
      let history = TokenHistory(
        prompt, greatestLength: greatest, prompt: i,
        source: sources.indices.contains(i) ? sources[i] : [])
      for _ in 0..<texts {
        histories.append(history)
        rows.append([Int](repeating: pad, count: missing) + prompt)
        padding.append(missing)
      }
    }
    (self.texts, self.rows, self.padding) = (histories, rows, padding)
    self.pad = pad
    copies = texts
    rules = settings.rules
  }
}

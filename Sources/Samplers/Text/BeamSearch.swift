internal import Layers
public import Models
internal import Tensors

/// A text that beam search follows.
public struct Beam: Hashable, Sendable {
  public internal(set) var text: TokenHistory
  /// The sum of the log-probabilities.
  public internal(set) var score: Float
  /// The log-probability of each token behind the prompt, as the rules left it.
  public internal(set) var logProbabilities: [Float] = []
}

/// Beam search: the texts of the greatest probability over length, several followed at once. A sequence of what is followed
/// after each step.
///
/// The rules when a text is done and how it counts are those of transformers 5; groups of beams, which it no longer has, are
/// those of Vijayakumar et al. (arXiv:1610.02424): a token loses for every earlier group that has just chosen it.
public struct BeamSearch<Model: TokenModel>: Sequence, IteratorProtocol, Sendable {
  private let start: GenerationStart
  private let rules: [any LogitsProcessor]
  private let stops: (@Sendable (TokenHistory) -> Bool)?
  private var reader: TokenReader<Model>
  private var pending: [[Int]]
  /// The rows of the memory that the beams go on from.
  private var rows: [Int]?
  private var prompts: [PromptBeams]

  init(
    _ start: GenerationStart, _ reader: TokenReader<Model>, _ rules: [any LogitsProcessor],
    _ key: RandomKey, _ stops: (@Sendable (TokenHistory) -> Bool)?
  ) {
    self.start = start
    self.rules = start.rules + rules
    self.stops = stops
    self.reader = reader
    pending = start.rows
    let beams = start.settings.numBeams
    prompts = stride(from: 0, to: start.texts.count, by: beams).map { first in
      let text = start.texts[first]
      return PromptBeams(text, start.settings, UniformNumbers(key.fork(text.prompt)))
    }
  }

  /// Makes a step.
  /// - Returns: the texts that are followed now, of each prompt the best first; nil when all prompts are done.
  public mutating func next() -> [[Beam]]? {
    guard prompts.contains(where: { !$0.isDone }) else { return nil }
    let logits = reader(pending, rows: rows).map { $0[0] }
    let beams = start.settings.numBeams
    var (next, pending) = ([Int](), [[Int]]())
    for i in prompts.indices {
      let first = i * beams
      if !prompts[i].isDone {
        prompts[i].step(logits[first..<(first + beams)], rules, stops)
      }
      next += prompts[i].parents.map { first + $0 }
      pending += prompts[i].followed.map { [$0.text.tokens.last ?? start.pad] }
    }
    (rows, self.pending) = (next, pending)
    return prompts.map(\.followed)
  }

  /// The best texts so far, of each prompt `numReturnSequences` with the best first.
  public var best: [Continuation] {
    prompts.flatMap { prompt in
      prompt.best.prefix(start.settings.numReturnSequences).map { beam in
        Continuation(
          prompt: beam.text.prompt, tokens: Array(beam.text.continuation),
          score: Double(beam.score), logProbabilities: beam.logProbabilities)
      }
    }
  }
}

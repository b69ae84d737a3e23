internal import Foundation

/// How a unigram language model is learned.
public struct UnigramSettings: Sendable {
  /// The most characters of a token.
  public var maximumTokenLength = 16
  /// The share of the candidates that is left after every round.
  public var shrinkingFactor = 0.75
  /// How often the probabilities are estimated anew in a round.
  public var estimations = 2
  /// The most candidates to begin with.
  public var seedCount = 1_000_000
  /// Characters that get a token though the text may lack them.
  public var alphabet: [UnicodeScalar] = []

  public init() {}
}

extension TokenizerTrainer {
  func unigram(
    _ words: [CountedWord], _ settings: UnigramSettings
  ) throws(TokenizerError) -> UnigramModel {
    guard settings.shrinkingFactor > 0, settings.shrinkingFactor < 1 else {
      throw .settings(
        problem: "a shrinking factor of \(settings.shrinkingFactor), which must lie between 0 and 1"
      )
    }
    var characters = Set(words.flatMap(\.scalars))
    characters.formUnion(settings.alphabet.map(\.value))
    guard characters.count + specialTokens.count <= vocabularySize else {
      throw .settings(
        problem: "the text has \(characters.count) different characters and there are "
          + "\(specialTokens.count) special tokens, more than a vocabulary of \(vocabularySize) "
          + "has room for")
    }
    let seeds = SeedPieces.find(in: words, settings)
    var trainer = UnigramLearner(pieces: seeds, words: words.map { ($0.text, Double($0.count)) })
    let wanted = vocabularySize * 11 / 10
    while true {
      for _ in 0..<max(settings.estimations, 1) { trainer.estimate() }
      let before = trainer.pieces.count
      if before + 1 <= wanted { break }
      trainer.prune(to: max(wanted, Int(Double(before + 1) * settings.shrinkingFactor)))
      if trainer.pieces.count == before { break }
    }
    return finished(trainer.pieces, characters)
  }

  /// The special tokens, all characters and the most probable pieces.
  private func finished(
    _ pieces: [UnigramPiece], _ characters: Set<UInt32>
  ) -> UnigramModel {
    let least = pieces.map(\.score).min() ?? 0
    let scores = Dictionary(pieces.map { ($0.text, $0.score) }) { first, _ in first }
    var chosen: [UnigramPiece] = []
    var texts = Set(specialTokens.map { Array($0.utf8) })
    func add(_ text: [UInt8], _ score: Double) {
      if texts.insert(text).inserted { chosen.append(UnigramPiece(text: text, score: score)) }
    }
    var penalty = 0.0
    for scalar in characters.sorted() {
      var text: [UInt8] = []
      UTF8Text.append(scalar, to: &text)
      add(text, scores[text] ?? least + penalty)
      if scores[text] == nil { penalty += 0.0001 }
    }
    for piece in pieces where chosen.count < vocabularySize - specialTokens.count {
      add(piece.text, piece.score)
    }
    chosen.sort {
      $0.score != $1.score ? $0.score > $1.score : $0.text.lexicographicallyPrecedes($1.text)
    }
    let special = specialTokens.map { UnigramPiece(text: Array($0.utf8), score: 0) }
    return UnigramModel(
      Vocabulary((special + chosen).map(\.text)), scores: (special + chosen).map(\.score),
      unknown: unknownToken.flatMap { unknown in
        specialTokens.firstIndex { $0.utf8.elementsEqual(unknown.utf8) }
      }, fallsBackToBytes: false)
  }
}

/// A token and the logarithm of its probability.
struct UnigramPiece {
  let text: [UInt8]
  var score: Double
}

/// Estimates the probabilities of tokens by expectation maximization, and drops those that the
/// text needs least.
struct UnigramLearner {
  private(set) var pieces: [UnigramPiece]
  private let words: [(text: [UInt8], count: Double)]

  init(pieces: [UnigramPiece], words: [(text: [UInt8], count: Double)]) {
    self.pieces = pieces
    self.words = words
  }

  private func lattice() -> UnigramLattice { UnigramLattice(pieces) }

  /// One round of expectation and maximization; tokens that are hardly used are dropped.
  mutating func estimate() {
    var lattice = lattice()
    var expected = [Double](repeating: 0, count: pieces.count)
    for (text, count) in words { lattice.addExpectations(of: text, count, to: &expected) }
    var kept: [UnigramPiece] = []
    var sum = 0.0
    for (piece, frequency) in zip(pieces, expected) where frequency >= 0.5 {
      kept.append(UnigramPiece(text: piece.text, score: frequency))
      sum += frequency
    }
    // The digamma function makes the estimate a sparse one (Liang and Klein 2007).
    let logarithm = Self.digamma(sum)
    for index in kept.indices { kept[index].score = Self.digamma(kept[index].score) - logarithm }
    pieces = kept
  }

  /// Keeps the tokens whose loss would cost the text most.
  mutating func prune(to count: Int) {
    var lattice = lattice()
    let alternatives = pieces.map { lattice.secondBest(for: $0.text) }
    // Unknown characters are counted behind all pieces.
    var frequencies = [Double](repeating: 0, count: pieces.count + 1)
    // In how much of the text a token is; a word that has it twice counts twice.
    var total = 0.0
    for (text, count) in words {
      total += count
      for piece in lattice.best(for: text) { frequencies[piece] += count }
    }
    let sum = frequencies.reduce(0, +)
    var kept: [UnigramPiece] = []
    var candidates: [(index: Int, loss: Double)] = []
    for (index, piece) in pieces.enumerated() {
      let frequency = frequencies[index]
      switch alternatives[index] {
      case .none:
        kept.append(piece)
      case .notChosen:
        if frequency > 0 { kept.append(piece) }
      case .some(let parts):
        if frequency == 0 { continue }
        let score = log(frequency) - log(sum)
        // By the number of all pieces and not of these parts, as SentencePiece and those that
        // follow it do: frequent pieces are kept rather than long ones.
        let logarithm = log(sum + frequency * Double(pieces.count))
        let other = parts.reduce(0) { $0 + log(frequencies[$1] + frequency) - logarithm }
        candidates.append((index, frequency / total * (score - other)))
      }
    }
    candidates.sort { $0.loss != $1.loss ? $0.loss > $1.loss : $0.index < $1.index }
    for (index, _) in candidates where kept.count + 1 < count { kept.append(pieces[index]) }
    pieces = kept
  }

  /// The derivative of the logarithm of the gamma function, for positive numbers.
  static func digamma(_ value: Double) -> Double {
    var x = value
    var result = 0.0
    while x < 7 {
      result -= 1 / x
      x += 1
    }
    x -= 0.5
    let square = 1 / (x * x)
    let fourth = square * square
    return result + log(x) + square / 24 - 7 / 960 * fourth + 31 / 8064 * fourth * square
      - 127 / 30720 * fourth * fourth
  }
}

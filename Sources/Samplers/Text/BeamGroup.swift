internal import Foundation
internal import Tensors

/// The beams of one prompt, in groups.
struct PromptBeams: Sendable {
  private var groups: [BeamGroup]
  private var numbers: UniformNumbers

  init(_ text: TokenHistory, _ settings: GenerationSettings, _ numbers: UniformNumbers) {
    groups = (0..<settings.numBeamGroups).map { _ in BeamGroup(text, settings) }
    self.numbers = numbers
  }

  var isDone: Bool { groups.allSatisfy(\.isDone) }
  var followed: [Beam] { groups.flatMap(\.followed) }
  /// The texts so far, the best first.
  var best: [Beam] {
    let all = groups.flatMap(\.best)
    return all.map(\.score).greatest(all.count).map { all[$0] }
  }
  /// For each beam the one that it goes on from.
  var parents: [Int] {
    groups.indices.flatMap { i in groups[i].parents.map { i * groups[i].size + $0 } }
  }

  /// - Parameter logits: one row a beam.
  mutating func step(
    _ logits: ArraySlice<[Float]>, _ rules: [any LogitsProcessor],
    _ stops: (@Sendable (TokenHistory) -> Bool)?
  ) {
    var chosen: [Int: Float] = [:]
    for i in groups.indices where !groups[i].isDone {
      let first = logits.startIndex + i * groups[i].size
      groups[i].step(logits[first..<(first + groups[i].size)], rules, chosen, stops, &numbers)
      for beam in groups[i].followed {
        if let token = beam.text.tokens.last { chosen[token, default: 0] += 1 }
      }
    }
  }
}

/// Beams of one prompt that compete with each other.
struct BeamGroup: Sendable {
  let size: Int
  /// The texts that go on, the best first.
  private(set) var followed: [Beam]
  /// The beam of the step before that each of them goes on from.
  private(set) var parents: [Int]
  private(set) var isDone: Bool
  /// Texts that have ended, the best first; their score is that over length.
  private var ended: [Beam] = []
  /// Whether a text that goes on can become better than those that have ended.
  private var canImprove = true
  private let settings: GenerationSettings

  /// What takes a text out of the competition, as transformers has it.
  private static var excluded: Float { -1e9 }

  init(_ text: TokenHistory, _ settings: GenerationSettings) {
    self.settings = settings
    isDone = text.tokens.count >= text.greatestLength
    size = settings.numBeams / settings.numBeamGroups
    // All beams begin alike: only the first competes.
    followed = (0..<size).map { Beam(text: text, score: $0 == 0 ? 0 : Self.excluded) }
    parents = Array(0..<size)
  }

  /// Ended texts; where there are not enough, those that go on.
  var best: [Beam] {
    ended
      + followed.prefix(max(0, size - ended.count)).map { beam in
        var beam = beam
        beam.score /= weight(max(1, beam.text.continuation.count))
        return beam
      }
  }

  /// A text's sum of log-probabilities is divided by this.
  private func weight(_ length: Int) -> Float { pow(Float(length), Float(settings.lengthPenalty)) }

  /// - Parameters:
  ///   - logits: one row a beam.
  ///   - chosen: how many beams of earlier groups have just taken a token.
  mutating func step(
    _ logits: ArraySlice<[Float]>, _ rules: [any LogitsProcessor], _ chosen: [Int: Float],
    _ stops: (@Sendable (TokenHistory) -> Bool)?, _ numbers: inout UniformNumbers
  ) {
    var rows: [[Float]] = []
    for (beam, row) in zip(followed, logits) {
      var row = row.logSoftmax
      for (token, count) in chosen {
        row.change(token) { $0 -= Float(settings.diversityPenalty) * count }
      }
      for rule in rules { rule(&row, beam.text) }
      rows.append(row)
    }
    let candidates = candidates(rows, &numbers)
    let length = (followed.first?.text.continuation.count ?? 0) + 1
    let stopped = candidates.map { isStopped($0.beam.text, stops) }
    collect(zip(candidates, stopped).prefix(size).filter { $1 }.map(\.0.beam), length)

    var scores = candidates.map(\.beam.score)
    for i in scores.indices where stopped[i] { scores[i] += Self.excluded }
    let next = scores.greatest(size)
    followed = next.map { place in
      var beam = candidates[place].beam
      beam.score = scores[place]
      return beam
    }
    parents = next.map { candidates[$0].parent }
    checkEnd(length, allStopped: !stopped.contains(false))
  }

  /// Continuations by one token, the best first or as they were drawn; enough to go on with if many end.
  private func candidates(_ rows: [[Float]], _ numbers: inout UniformNumbers)
    -> [(beam: Beam, parent: Int)]
  {
    let vocabulary = rows[0].count
    let count = min(max(2, 1 + settings.eosTokenId.count) * size, size * vocabulary)
    var sums: [Float] = []
    sums.reserveCapacity(size * vocabulary)
    for (beam, row) in zip(followed, rows) { for x in row { sums.append(x + beam.score) } }
    let places = settings.isRandom ? drawn(count, of: sums, &numbers) : sums.greatest(count)
    return places.map { place in
      let (parent, token) = (place / vocabulary, place % vocabulary)
      var beam = followed[parent]
      beam.text.tokens.append(token)
      beam.score = sums[place]
      beam.logProbabilities.append(rows[parent][token])
      return (beam, parent)
    }
  }

  /// Draws without putting back; where nothing is left to draw, takes the greatest of the rest.
  private func drawn(_ count: Int, of sums: [Float], _ numbers: inout UniformNumbers) -> [Int] {
    var probabilities = sums.softmax
    var places: [Int] = []
    while places.count < count, let place = probabilities.place(at: numbers.draw()) {
      places.append(place)
      probabilities[place] = 0
    }
    guard places.count < count else { return places }
    let taken = Set(places)
    return places + sums.greatest(count).filter { !taken.contains($0) }.prefix(count - places.count)
  }

  private func isStopped(_ text: TokenHistory, _ stops: (@Sendable (TokenHistory) -> Bool)?) -> Bool
  {
    text.tokens.last.map(settings.eosTokenId.contains) ?? false
      || text.tokens.count >= text.greatestLength || stops?(text) ?? false
  }

  /// Takes in texts that have just ended, and lets the worst go.
  private mutating func collect(_ beams: [Beam], _ length: Int) {
    guard canImprove, settings.earlyStopping != .yes || ended.count < size else { return }
    let new = beams.map { beam in
      var beam = beam
      beam.score /= weight(length)
      return beam
    }
    let all = ended + new
    ended = all.map(\.score).greatest(min(size, all.count)).map { all[$0] }
  }

  private mutating func checkEnd(_ length: Int, allStopped: Bool) {
    if let best = followed.first, let worst = ended.last, ended.count == size {
      let text = best.text
      let longest =
        settings.earlyStopping == .never && settings.lengthPenalty > 0
        ? text.greatestLength - text.promptLength : length
      canImprove = canImprove && best.score / weight(longest) > worst.score
    }
    isDone = !canImprove || allStopped || settings.earlyStopping == .yes && ended.count == size
  }
}

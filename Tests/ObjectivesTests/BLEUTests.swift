import Foundation
import Objectives
import TestSupport
import Testing

/// The numbers of sacreBLEU.
@Suite struct BLEUTests {
  struct Scores: Decodable {
    var corpora: [Corpus]
    var sentences: [Sentence]

    struct Corpus: Decodable {
      var translations: [String]
      var references: [[String]]
      var score, penalty: Double
      var precisions: [Double]
      var length: Int
      var referenceLength: Int
    }

    struct Sentence: Decodable {
      var text: String
      var words: [String]
    }
  }

  private static func scores() throws -> Scores {
    let file = Fixture.root.appending(path: "sacrebleu/scores.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Scores.self, from: Data(contentsOf: file))
  }

  @Test func `corpora have sacreBLEU's score, precisions, lengths and penalty`() throws {
    let corpora = try Self.scores().corpora
    #expect(corpora.count >= 12)
    for corpus in corpora {
      let bleu = BLEU(corpus.translations, references: corpus.references)
      #expect(abs(bleu.score - corpus.score) < 1e-9, "\(corpus.translations.prefix(2))")
      #expect(abs(bleu.brevityPenalty - corpus.penalty) < 1e-12)
      #expect((bleu.length, bleu.referenceLength) == (corpus.length, corpus.referenceLength))
      for (own, other) in zip(bleu.precisions, corpus.precisions) {
        #expect(abs(own - other) < 1e-9)
      }
    }
  }

  @Test func `sentences are cut as mteval-v13a cuts them`() throws {
    for sentence in try Self.scores().sentences {
      #expect(BLEU.words(sentence.text) == sentence.words)
    }
  }

  @Test func `nothing has no score`() {
    #expect(BLEU([], references: []).score == 0)
    #expect(BLEU(["a b c d"], references: [[]]).score == 0)
  }
}

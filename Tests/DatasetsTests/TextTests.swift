import Datasets
import Images
import Testing

@Suite("Texts")
struct TextTests {
  @Test(
    "All glosses of WordNet are read",
    .enabled(if: present("wordnet-glosses"), "needs wordnet-base"))
  func glosses() throws {
    let corpus = try WordNet.glosses(orEmbedded: false)
    let lines = corpus.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 117_659 + 1)
    #expect(
      lines[0] == "that which is perceived or known or inferred to have its own distinct existence"
        + " (living or nonliving)")
    #expect(!lines.contains { $0.hasSuffix(" ") || $0.hasPrefix(" ") })
    // Size and sum by an independent reader (Python).
    #expect(corpus.bytes.count == 8_963_291)
    #expect(Deflate.crc32(corpus.bytes) == 0xA43A_630F)
  }

  @Test("Without files every 30th gloss is taken, and said so")
  func embeddedGlosses() throws {
    let corpus = try WordNet.glosses(in: Scratch().places)
    #expect(corpus.text.split(separator: "\n").count == 3922)
    #expect(corpus.text.hasPrefix("that which is perceived or known"))
    #expect("\(corpus.source)".hasPrefix("every 30th gloss of WordNet"))
    #expect(throws: DatasetError.self) {
      try WordNet.glosses(in: Scratch().places, orEmbedded: false)
    }
  }

  @Test("A line of WordNet without a gloss is refused by its number")
  func damagedWordNet() throws {
    let scratch = try Scratch()
    for part in ["noun", "adj", "adv"] {
      try scratch.write(
        Array("  1 licence\n0 x | a gloss  \n".utf8), to: "system/wordnet/data." + part)
    }
    let path = try scratch.write(Array("0 x | good\nbad\n".utf8), to: "system/wordnet/data.verb")
    #expect(
      throws: DatasetError.damaged(path: path, reason: "line 2 has no gloss after \"|\"")
    ) { try WordNet.glosses(in: scratch.places) }
    try scratch.write(Array("0 x | good\n".utf8), to: "system/wordnet/data.verb")
    let text = try WordNet.glosses(in: scratch.places).text
    #expect(text == "a gloss\ngood\na gloss\na gloss\n")
  }

  @Test("A file, a compressed file and a folder of texts are read in the order of their names")
  func ownTexts() throws {
    let scratch = try Scratch()
    let first = try scratch.write([0xEF, 0xBB, 0xBF] + Array("één".utf8), to: "texts/a.txt")
    try scratch.write(
      Deflate.deflate(Array("two\n".utf8), into: .gzip), to: "texts/b/inner.txt.gz")
    try scratch.write(Array("three".utf8), to: "texts/c.md")
    try scratch.write([0xFF], to: "texts/picture.png")
    #expect(try TextCorpus(contentsOf: first).text == "één")
    #expect(try TextCorpus(contentsOf: scratch.path + "/texts").text == "één\ntwo\nthree\n")
  }

  @Test("What is no text is refused")
  func noText() throws {
    let scratch = try Scratch()
    let path = try scratch.write([0x61, 0xFF, 0x62], to: "latin.txt")
    #expect(
      throws: DatasetError.damaged(
        path: path, reason: "not UTF-8 text; convert it, for example with iconv")
    ) { try TextCorpus(contentsOf: path) }
    let empty = try scratch.write([], to: "empty/none.txt")
    #expect(throws: DatasetError.file(path: empty, reason: "no text in it")) {
      try TextCorpus(contentsOf: empty)
    }
    #expect(throws: DatasetError.file(path: "/nowhere", reason: "no such file or folder")) {
      try TextCorpus(contentsOf: "/nowhere")
    }
  }

  @Test("A held-out end starts at a character and nothing is lost")
  func split() throws {
    let scratch = try Scratch()
    let path = try scratch.write(Array(String(repeating: "é", count: 50).utf8), to: "e.txt")
    let corpus = try TextCorpus(contentsOf: path)
    for fraction in [0, 0.05, 0.5, 1] {
      let (train, test) = corpus.split(heldOut: fraction)
      #expect(train.bytes + test.bytes == corpus.bytes)
      #expect(!train.text.contains("\u{FFFD}") && !test.text.contains("\u{FFFD}"))
      #expect(abs(Double(test.bytes.count) - 100 * fraction) <= 1)
    }
  }
}

import Datasets
import Foundation
import Images
import Testing

@Suite("Verses")
struct VersesTests {
  @Test(
    "31,084 pairs are read with their places",
    .enabled(if: present("verses"), "needs sword-text-kjv and sword-text-sparv"))
  func pairs() throws {
    let verses = try Verses()
    #expect(verses.pairs.count == 31_084)
    #expect(Set(verses.pairs.map(\.book)).count == 66)
    let first = verses.pairs[0]
    #expect((first.book, first.chapter, first.number) == ("Gen", 1, 1))
    #expect(first.english == "In the beginning God created the heaven and the earth.")
    #expect(first.spanish == "EN el principio crió Dios los cielos y la tierra.")
    let ends = verses.pairs.last.map { [$0.book, "\($0.chapter)", "\($0.number)"] }
    #expect(ends == ["Rev", "22", "21"])
    // The longest chapter, and the shortest verse in English.
    #expect(verses.pairs.filter { $0.book == "Ps" && $0.chapter == 119 }.count == 176)
    let wept = verses.pairs.first { $0.book == "John" && $0.chapter == 11 && $0.number == 35 }
    #expect(wept?.english == "Jesus wept." && wept?.spanish == "Y lloró Jesús.")
    #expect(!verses.pairs.contains { ($0.english + $0.spanish).contains { "<>¶".contains($0) } })
    // Ruth 85, Jonah 48 less one that the Spanish text lacks, Philippians 104, James 108.
    #expect(verses.test.count == 344)
    #expect(verses.train.count + verses.test.count == verses.pairs.count)
  }

  @Test(
    "Markup is dropped, notes and titles with their content",
    arguments: [
      ("a <w lemma=\"x\">b</w>, c", "a b, c"),
      ("<title>T <b>u</b></title>x<note n=\"1\">why</note> y", "x y"),
      ("<note/>x <title type=\"a\"/>y", "x y"),
      ("¶ a\n  b &amp; c &#233;&#xe9; &other; d & e", "a b & c éé &other; d & e"),
      ("broken <w", "broken"), ("</note>x", "x"), ("", ""),
    ])
  func markup(osis: String, text: String) {
    #expect(OSIS.text(of: Array(osis.utf8)) == text)
  }

  @Test("A module is read block by block, and damage in each of its files is named")
  func module() throws {
    let scratch = try Scratch()
    let blocks = [Array("one two".utf8), Array("three".utf8)]
    let packed = try blocks.map { try Deflate.deflate($0, into: .zlib) }
    func number(_ value: Int, _ width: Int) -> [UInt8] {
      (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func size(_ start: Int, _ block: Int) -> [UInt8] {
      number(start, 4) + number(packed[block].count, 4) + number(blocks[block].count, 4)
    }
    func slot(_ block: Int, _ start: Int, _ length: Int) -> [UInt8] {
      number(block, 4) + number(start, 4) + number(length, 2)
    }
    let sizes = size(0, 0) + size(packed[0].count, 1)
    let slots = slot(0, 0, 0) + slot(0, 0, 3) + slot(0, 4, 3) + slot(1, 0, 5)
    let good = ["bzs": sizes, "bzv": slots, "bzz": packed[0] + packed[1]]
    func read(_ changes: [String: [UInt8]]) throws -> [String] {
      for (name, bytes) in good.merging(changes, uniquingKeysWith: { $1 }) {
        try scratch.write(bytes, to: "m/ot." + name)
      }
      return try SwordModule(contentsOf: scratch.path + "/m/ot").slots
        .map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(try read([:]) == ["", "one", "two", "three"])
    let damages: [String: [UInt8]] = [
      "bzs": Array(sizes.dropLast()), "bzv": slots + slot(2, 0, 1),
      "bzz": Array((packed[0] + packed[1]).dropLast(3)),
    ]
    for (name, bytes) in damages {
      #expect {
        try read([name: bytes])
      } throws: { error in
        "\(error)".contains("/m/ot.\(name): ")
      }
    }
    #expect(throws: DatasetError.self) { try read(["bzv": slot(0, 6, 2)]) }
    #expect(throws: DatasetError.self) { try read(["bzs": size(1, 0)]) }
  }
}

import Datasets
import Images
import Testing

@Suite("Emoji pictures")
struct EmojiPicturesTests {
  static let reason: Comment = "needs fonts-noto-color-emoji and unicode-cldr-core"

  @Test("1,367 emoji have a picture and a name", .enabled(if: present("emoji"), reason))
  func all() throws {
    let emoji = try EmojiPictures(size: 32)
    #expect(emoji.entries.count == 1367)
    #expect(Set(emoji.entries.map(\.picture.pixels)).count > 1300)
    #expect(emoji.entries.allSatisfy { $0.picture.width == 32 && $0.picture.channels == 3 })
    let apple = try #require(emoji.entries.first { $0.scalar == "\u{1F34E}" })
    #expect(apple.name == "red apple")
    #expect(apple.keywords == ["apple", "fruit", "red"])
    #expect((80...200).contains(emoji.test.count))
    #expect(emoji.train.count + emoji.test.count == 1367)
    // A name is never on both sides.
    #expect(Set(emoji.train.map(\.name)).isDisjoint(with: emoji.test.map(\.name)))
  }

  @Test(
    "Names come in other languages, with the same test split",
    .enabled(if: present("emoji"), reason))
  func languages() throws {
    let english = try EmojiPictures(size: 1)
    let spanish = try EmojiPictures(size: 1, language: "es")
    #expect(spanish.entries.first { $0.scalar == "\u{1F34E}" }?.name == "manzana roja")
    let held = Set(spanish.test.map(\.scalar))
    #expect(held == Set(english.test.map(\.scalar)))
  }

  @Test(
    "Wrong sizes and languages are refused", arguments: [(0, "en"), (9999, "en"), (8, "../en")])
  func wrong(size: Int, language: String) {
    #expect {
      try EmojiPictures(size: size, language: language)
    } throws: { error in
      if case DatasetError.argument = error { true } else { false }
    }
  }

  @Test("Without font or names the error lists both folders and both packages")
  func missing() throws {
    let scratch = try Scratch()
    #expect {
      try EmojiPictures(in: scratch.places)
    } throws: { error in
      "\(error)".contains("/system/fonts/truetype/noto")
        && "\(error)".contains("/system/unicode/cldr")
        && "\(error)".contains("unicode-cldr-core")
    }
  }
}

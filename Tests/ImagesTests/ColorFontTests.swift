import Foundation
import Images
import Testing

@Suite("Colour fonts")
struct ColorFontTests {
  static let path = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"

  @Test(
    "An emoji is a picture of 136x128 on white",
    .enabled(if: FileManager.default.fileExists(atPath: path), "needs fonts-noto-color-emoji"))
  func emoji() throws {
    let font = try ColorFont(contentsOf: Self.path)
    let apple = try #require(font.picture(of: "\u{1F34E}"))
    #expect((apple.width, apple.height, apple.channels) == (136, 128, 3))
    #expect(Array(apple[0, 0]) == [255, 255, 255])
    let middle = Array(apple[68, 80])
    #expect(middle[0] > 150 && middle[1] < 100 && middle[2] < 100, "an apple is red: \(middle)")
    #expect(font.picture(of: "\u{4E00}") == nil)
  }

  @Test("A file that is no font is refused by name")
  func noFont() throws {
    let source = #filePath
    #expect(
      throws: ImageError.malformed(source: source, reason: "FreeType cannot read it as a font")
    ) { try ColorFont(contentsOf: source) }
    #expect(throws: ImageError.file(path: "/nowhere.ttf", reason: "no such file")) {
      try ColorFont(contentsOf: "/nowhere.ttf")
    }
  }
}

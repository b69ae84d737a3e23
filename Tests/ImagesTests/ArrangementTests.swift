import Images
import Testing

@Suite("Arranging pictures")
struct ArrangementTests {
  @Test("Enlarging repeats pixels")
  func enlarge() {
    let image = Image(width: 2, height: 1, channels: 1, pixels: [3, 9])
    #expect(image.enlarged(by: 2).pixels == [3, 3, 9, 9, 3, 3, 9, 9])
    #expect(image.enlarged(by: 1) == image)
  }

  @Test("What is padded can be cropped back")
  func padAndCrop() {
    let image = noise(width: 4, height: 3, channels: 3)
    let padded = image.padded(width: 7, height: 8, color: [1, 2, 3])
    #expect(Array(padded[0, 0]) == [1, 2, 3] && Array(padded[6, 7]) == [1, 2, 3])
    #expect(padded.cropped(x: 1, y: 2, width: 4, height: 3) == image)
  }

  @Test("Gray follows Pillow's weights")
  func gray() {
    let image = Image(
      width: 2, height: 2, channels: 3,
      pixels: [
        255, 0, 0, 0, 255, 0, 0, 0, 255, 200, 100, 50,
      ])
    #expect(image.gray().pixels == [76, 150, 29, 124])
    #expect(image.gray().rgb().pixels[..<6] == [76, 76, 76, 150, 150, 150])
  }

  @Test("A transparent pixel on white is white, a half transparent one halfway")
  func white() {
    let image = Image(
      width: 3, height: 1, channels: 4,
      pixels: [
        7, 8, 9, 0, 0, 100, 255, 128, 1, 2, 3, 255,
      ])
    #expect(image.compositedOnWhite().pixels == [255, 255, 255, 127, 177, 255, 1, 2, 3])
  }

  @Test("A grid places pictures row by row with gaps")
  func grid() throws {
    let cells = (1...3).map { Image(width: 1, height: 1, channels: 1, filledWith: [UInt8($0)]) }
    let sheet = try #require(Image.grid(cells, columns: 2, gap: 1, background: [0]))
    #expect((sheet.width, sheet.height, sheet.channels) == (3, 3, 1))
    #expect(sheet.pixels == [1, 0, 2, 0, 0, 0, 3, 0, 0])
    #expect(Image.grid([], columns: 2) == nil)
    let coloured = try #require(
      Image.grid(cells + [noise(width: 2, height: 2, channels: 4)], columns: 9, gap: 0))
    #expect((coloured.width, coloured.height, coloured.channels) == (8, 2, 3))
  }

  @Test("Turning by EXIF orientation moves the first pixel where it belongs")
  func firstPixel() {
    // The stored upper left pixel, after turning by 1...8, in a 2x3 picture.
    let image = Image(width: 2, height: 3, channels: 1, pixels: [9, 0, 0, 0, 0, 0])
    let places = (1...8).map { image.turned(by: $0).pixels.firstIndex(of: 9) }
    #expect(places == [0, 1, 5, 4, 0, 2, 5, 3])
  }
}

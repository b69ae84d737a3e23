import Images
import Testing

@Suite("Resizing fixtures")
struct ResizingFixturesTests {
  @Test("Every resize equals Pillow's to the last bit", arguments: ImageFixtures.all)
  func equalsPillow(fixtures: ImageFixtures) throws {
    let expected = try fixtures.tensors("resize.safetensors")
    #expect(!expected.isEmpty)
    for (name, value) in try fixtures.index().resize {
      // Planes of floats are no pictures.
      guard let pixels = expected[name] else { continue }
      let image = try Image(contentsOf: fixtures.path("sources/" + value.source))
      let region = value.box.map {
        ImageRegion(left: $0[0], top: $0[1], right: $0[2], bottom: $0[3])
      }
      let result = image.resized(
        width: value.width, height: value.height,
        filter: try #require(ResizeFilter(rawValue: value.filter)), from: region)
      #expect([result.height, result.width] == Array(pixels.shape[..<2]), "\(name)")
      let worst = zip(result.pixels, pixels.bytes).map { abs(Int($0) - Int($1)) }.max()
      #expect(result.pixels.count == pixels.bytes.count && worst == 0, "\(name)")
    }
  }
}

@Suite("Resizing")
struct ResizingTests {
  @Test("A box resize by a whole factor is the mean of each square")
  func boxIsMean() {
    let image = noise(width: 6, height: 4, channels: 1)
    let small = image.resized(width: 6, height: 2, filter: .box)
    for y in 0..<2 {
      for x in 0..<6 {
        let sum = Int(image[x, 2 * y].first!) + Int(image[x, 2 * y + 1].first!)
        #expect(Int(small[x, y].first!) == (sum + 1) / 2)
      }
    }
  }

  @Test("The own size changes nothing", arguments: ResizeFilter.allCases)
  func identity(filter: ResizeFilter) {
    let image = noise(width: 5, height: 7, channels: 4)
    #expect(image.resized(width: 5, height: 7, filter: filter) == image)
  }

  @Test("Colour under full transparency does not leak")
  func transparency() {
    let image = Image(width: 2, height: 1, channels: 4, pixels: [10, 20, 30, 255, 255, 0, 0, 0])
    #expect(image.resized(width: 1, height: 1, filter: .box).pixels == [9, 19, 29, 128])
  }
}

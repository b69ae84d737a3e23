import Foundation
import Images
import Reports
import Testing

@Suite("Pictures of a README")
struct PlateWallTests {
  @Test("are a wall of the samples themselves, on a light and on a dark ground")
  func wall() throws {
    for (scheme, ground) in [(PlateWall.Scheme.light, 0xFA), (.dark, 0x12)] {
      let png = try #require(try PlateWall.png(SampleGallery.report(), scheme: scheme))
      let image = try Image(decoding: png)
      #expect(image.width == 1600 && image.height == 400)
      #expect(image[0, 0].first == UInt8(ground))
      if let folder = ProcessInfo.processInfo.environment["APUS_PAGES"] {
        try image.write(to: folder + "/wall-\(scheme).png")
      }
    }
  }

  @Test("are grids whose pixels are those of the samples")
  func grid() throws {
    let method = SampleGallery.report().methods[2]
    let png = try #require(try PlateWall.png(gridOf: method, zoom: 2, scheme: .light))
    let image = try Image(decoding: png)
    #expect(image.width == 10 * 57 - 1 && image.height == 4 * 57 - 1)
    guard case .pictures(let samples)? = method.figures.first else {
      Issue.record("the method has no grid")
      return
    }
    let sample = try Image(decoding: samples.pictures[11].png)
    for (x, y) in [(0, 0), (14, 14), (9, 20)] {
      let pixel = image[57 + 2 * x + 1, 57 + 2 * y]
      #expect(pixel.allSatisfy { $0 == sample[x, y].first })
    }
  }

  @Test("say which sample is no picture, and are not made of nothing")
  func errors() throws {
    var report = SampleGallery.report(methods: 0)
    #expect(try PlateWall.png(report, scheme: .light) == nil)
    report.methods = [SampleGallery.report().methods[2]]
    let broken = Picture(png: [1, 2, 3], width: 28, height: 28)
    report.methods[0].figures = [.pictures(PictureGrid(pictures: [broken], subject: ""))]
    #expect(throws: ReportsError.self) { try PlateWall.png(report, scheme: .light) }
  }
}

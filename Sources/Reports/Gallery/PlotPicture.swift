import Images

/// Pictures of plots: one blue with the value as opacity, so that one picture stands on the light
/// page and on the dark one.
enum PlotPicture {
  /// The plot blue `#2f8fb8`; it has 3.66 : 1 on the light card and 4.67 : 1 on the dark one.
  static let blue: [UInt8] = [47, 143, 184]
  /// Steps of opacity; more cannot be told apart.
  private static let steps = 32

  /// A PNG inside the page. `levels` are rows of `width` values from the top, 255 for full blue;
  /// the last row is filled with zeros.
  static func dataURI(levels: [UInt8], width: Int) -> String {
    Reports.dataURI(png(levels: levels, width: width), type: "image/png")
  }

  /// The picture with a palette of 32 opacities: a tenth of the size of one with four channels.
  static func png(levels: [UInt8], width: Int) -> [UInt8] {
    let width = max(1, width)
    let height = max(1, (levels.count + width - 1) / width)
    var rows: [UInt8] = []
    rows.reserveCapacity((width + 1) * height)
    for row in 0..<height {
      rows.append(0)
      for column in 0..<width {
        let place = row * width + column
        let level = place < levels.count ? Int(levels[place]) : 0
        rows.append(UInt8((level * (steps - 1) + 127) / 255))
      }
    }
    let opacities = (0..<steps).map { UInt8(255 * $0 / (steps - 1)) }
    let header = four(width) + four(height) + [8, 3, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", header)
      + chunk("PLTE", (0..<steps).flatMap { _ in blue })
      + chunk("tRNS", opacities)
      + chunk("IDAT", (try? Deflate.deflate(rows, into: .zlib, level: 9)) ?? [])
      + chunk("IEND", [])
  }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let named = Array(name.utf8) + data
    return four(data.count) + named + four(Int(Deflate.crc32(named)))
  }

  private static func four(_ number: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }
}

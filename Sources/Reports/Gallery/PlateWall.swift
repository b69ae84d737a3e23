import Images

/// The pictures of a README, made of a gallery's own samples: a wall of plates, and a grid for
/// each method; both for light and for dark pages.
public enum PlateWall {
  /// The ground that a picture stands on.
  public enum Scheme: Sendable, CaseIterable {
    case light, dark

    var page: [UInt8] { self == .light ? [0xFA, 0xF9, 0xF6] : [0x12, 0x14, 0x17] }
    var card: [UInt8] { self == .light ? [0xFF, 0xFF, 0xFF] : [0x19, 0x1C, 0x20] }
  }

  /// The side of a plate: 28 px four times, 16 px seven times.
  private static let side = 112
  private static let gap = 2

  /// A wall of 1,600 × 400 pixels as PNG: the first samples of every method that draws any, in
  /// turn, as many as there is room for; nothing if there are none.
  /// - Throws: `ReportsError.picture` for a sample that is no PNG.
  public static func png(_ report: GalleryReport, scheme: Scheme) throws(ReportsError) -> [UInt8]? {
    let (width, height) = (1600, 400)
    let (columns, rows) = ((width + gap) / (side + gap), (height + gap) / (side + gap))
    let plates = try inTurn(report, count: columns * rows, scheme: scheme)
    guard !plates.isEmpty else { return nil }
    let used = min(columns, plates.count)
    let lines = (plates.count + columns - 1) / columns
    var canvas = Canvas(width: width, height: height, color: scheme.page)
    let left = (width - used * (side + gap) + gap) / 2
    let top = (height - lines * (side + gap) + gap) / 2
    for (place, plate) in plates.enumerated() {
      canvas.put(
        plate, x: left + place % columns * (side + gap), y: top + place / columns * (side + gap))
    }
    return try encoded(canvas.image)
  }

  /// The first grid of a method as PNG, each pixel of a sample shown as `zoom` × `zoom`; nothing
  /// if it has no grid.
  /// - Throws: `ReportsError.picture` for a sample that is no PNG.
  public static func png(
    gridOf method: MethodReport, columns: Int = 10, zoom: Int = 2, scheme: Scheme
  ) throws(ReportsError) -> [UInt8]? {
    var grid: [Picture] = []
    for case .pictures(let figure) in method.figures where grid.isEmpty { grid = figure.pictures }
    var images: [Image] = []
    for picture in grid { images.append(try decoded(picture)) }
    guard let first = images.first, columns > 0, zoom > 0 else { return nil }
    let (width, height) = (first.width * zoom + 1, first.height * zoom + 1)
    let used = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    var canvas = Canvas(width: used * width - 1, height: rows * height - 1, color: scheme.card)
    for (place, image) in images.enumerated() {
      let color = scheme.card
      canvas.put(
        Canvas(image, zoom: zoom, on: color), x: place % columns * width,
        y: place / columns * height)
    }
    return try encoded(canvas.image)
  }

  // MARK: - Plates

  /// One plate of each method, then the second of each, and so on.
  private static func inTurn(_ report: GalleryReport, count: Int, scheme: Scheme)
    throws(ReportsError) -> [Canvas]
  {
    var shelves: [[Canvas]] = []
    for method in report.methods where method.status == .trained {
      var shelf: [Canvas] = []
      for figure in method.figures where shelf.count < count {
        shelf += try plates(of: figure, atMost: count - shelf.count, scheme: scheme)
      }
      if !shelf.isEmpty { shelves.append(shelf) }
    }
    var plates: [Canvas] = []
    for round in 0..<(shelves.map(\.count).max() ?? 0) {
      for shelf in shelves where shelf.indices.contains(round) && plates.count < count {
        plates.append(shelf[round])
      }
    }
    return plates
  }

  private static func plates(of figure: Figure, atMost count: Int, scheme: Scheme)
    throws(ReportsError) -> [Canvas]
  {
    switch figure {
    case .pictures(let grid): return try plates(grid.pictures, atMost: count, scheme)
    case .rows(let rows):
      return try plates(rows.rows.dropFirst().first?.pictures ?? [], atMost: count, scheme)
    case .classes(let classes):
      return try plates(classes.columns.compactMap(\.pictures.first), atMost: count, scheme)
    case .denoising(let strip):
      return try plates(strip.samples?.pictures ?? strip.states.suffix(1), atMost: count, scheme)
    case .sound(let sound):
      let (levels, width) = SoundFigure.spectrogram(of: sound)
      return [plot(levels, width: width, scheme)]
    case .density(let map): return [plot(map.levels, width: map.side, scheme)]
    case .texts, .translations, .confusion, .alignment, .nothing: return []
    }
  }

  private static func plates(_ pictures: [Picture], atMost count: Int, _ scheme: Scheme)
    throws(ReportsError) -> [Canvas]
  {
    var plates: [Canvas] = []
    for picture in pictures.prefix(count) {
      let image = try decoded(picture)
      var plate = Canvas(width: side, height: side, color: scheme.card)
      // Whole factors only; what is larger than a plate shows its middle.
      let zoom = max(1, side / max(image.width, image.height))
      plate.put(
        Canvas(image, zoom: zoom, on: scheme.card), x: (side - image.width * zoom) / 2,
        y: (side - image.height * zoom) / 2)
      plates.append(plate)
    }
    return plates
  }

  /// Plot blue with the value as opacity, stretched over a plate.
  private static func plot(_ levels: [UInt8], width: Int, _ scheme: Scheme) -> Canvas {
    var plate = Canvas(width: side, height: side, color: scheme.card)
    let height = max(1, levels.count / max(1, width))
    for y in 0..<side {
      for x in 0..<side {
        let place = y * height / side * width + x * width / side
        let level = levels.indices.contains(place) ? Int(levels[place]) : 0
        let color = zip(PlotPicture.blue, scheme.card).map { blue, ground in
          UInt8((Int(blue) * level + Int(ground) * (255 - level)) / 255)
        }
        plate.set(color, x: x, y: y)
      }
    }
    return plate
  }

  private static func decoded(_ picture: Picture) throws(ReportsError) -> Image {
    do {
      return try Image(decoding: picture.png, source: "sample")
    } catch {
      throw .picture(reason: "\(error)")
    }
  }

  private static func encoded(_ image: Image) throws(ReportsError) -> [UInt8] {
    do {
      return try image.pngData()
    } catch {
      throw .picture(reason: "\(error)")
    }
  }

  /// Pixels of three colours to draw on.
  private struct Canvas {
    let width, height: Int
    private(set) var pixels: [UInt8]

    init(width: Int, height: Int, color: [UInt8]) {
      (self.width, self.height) = (width, height)
      pixels = (0..<width * height).flatMap { _ in color }
    }

    /// A picture enlarged by a whole factor; what is transparent shows `ground`.
    init(_ image: Image, zoom: Int, on ground: [UInt8]) {
      self.init(width: image.width * zoom, height: image.height * zoom, color: ground)
      for y in 0..<height {
        for x in 0..<width {
          let pixel = Array(image[x / zoom, y / zoom])
          let alpha = pixel.count == 4 ? Int(pixel[3]) : 255
          let color = pixel.count == 1 ? [pixel[0], pixel[0], pixel[0]] : Array(pixel.prefix(3))
          let mixed = zip(color, ground).map { color, ground in
            UInt8((Int(color) * alpha + Int(ground) * (255 - alpha)) / 255)
          }
          set(mixed, x: x, y: y)
        }
      }
    }

    var image: Image { Image(width: width, height: height, channels: 3, pixels: pixels) }

    mutating func set(_ color: [UInt8], x: Int, y: Int) {
      for channel in 0..<3 { pixels[(y * width + x) * 3 + channel] = color[channel] }
    }

    /// Draws another canvas, cut at the edges of this one.
    mutating func put(_ other: Canvas, x left: Int, y top: Int) {
      for y in max(0, -top)..<max(max(0, -top), min(other.height, height - top)) {
        for x in max(0, -left)..<max(max(0, -left), min(other.width, width - left)) {
          let place = (y * other.width + x) * 3
          set(Array(other.pixels[place..<place + 3]), x: left + x, y: top + y)
        }
      }
    }
  }
}

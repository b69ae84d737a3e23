import Foundation

// How figures and curves stand in `gallery.json`: points as pairs of numbers, pictures and other
// bytes in base 64, each figure with its `type`.

extension Figure: Codable {
  private enum Key: String, CodingKey { case type, note }

  private enum Name: String, Codable {
    case pictures, rows, classes, denoising, texts, sound, density, confusion, translations
    case alignment, nothing
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self =
      switch try values.decode(Name.self, forKey: .type) {
      case .pictures: .pictures(try PictureGrid(from: decoder))
      case .rows: .rows(try PictureRows(from: decoder))
      case .classes: .classes(try PictureClasses(from: decoder))
      case .denoising: .denoising(try DenoisingStrip(from: decoder))
      case .texts: .texts(try TextSamples(from: decoder))
      case .sound: .sound(try SoundSample(from: decoder))
      case .density: .density(try DensityMap(from: decoder))
      case .confusion: .confusion(try ConfusionMatrix(from: decoder))
      case .translations: .translations(try TranslationTable(from: decoder))
      case .alignment: .alignment(try AlignmentMap(from: decoder))
      case .nothing: .nothing(try values.decode(String.self, forKey: .note))
      }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    func write(_ name: Name, _ figure: some Encodable) throws {
      try values.encode(name, forKey: .type)
      try figure.encode(to: encoder)
    }
    switch self {
    case .pictures(let figure): try write(.pictures, figure)
    case .rows(let figure): try write(.rows, figure)
    case .classes(let figure): try write(.classes, figure)
    case .denoising(let figure): try write(.denoising, figure)
    case .texts(let figure): try write(.texts, figure)
    case .sound(let figure): try write(.sound, figure)
    case .density(let figure): try write(.density, figure)
    case .confusion(let figure): try write(.confusion, figure)
    case .translations(let figure): try write(.translations, figure)
    case .alignment(let figure): try write(.alignment, figure)
    case .nothing(let note):
      try values.encode(Name.nothing, forKey: .type)
      try values.encode(note, forKey: .note)
    }
  }
}

extension Picture: Codable {
  private enum Key: String, CodingKey { case png, width, height }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(
      png: Array(try values.decode(Data.self, forKey: .png)),
      width: try values.decode(Int.self, forKey: .width),
      height: try values.decode(Int.self, forKey: .height))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(Data(png), forKey: .png)
    try values.encode(width, forKey: .width)
    try values.encode(height, forKey: .height)
  }
}

extension SoundSample: Codable {
  private enum Key: String, CodingKey { case samples, rate, seed, step, note }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(
      samples: [], rate: try values.decode(Int.self, forKey: .rate),
      seed: try values.decodeIfPresent(UInt64.self, forKey: .seed),
      step: try values.decodeIfPresent(Int.self, forKey: .step),
      note: try values.decode(String.self, forKey: .note))
    samples = Array(try values.decode(Data.self, forKey: .samples))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(Data(samples), forKey: .samples)
    try values.encode(rate, forKey: .rate)
    try values.encodeIfPresent(seed, forKey: .seed)
    try values.encodeIfPresent(step, forKey: .step)
    try values.encode(note, forKey: .note)
  }
}

extension DensityMap: Codable {
  private enum Key: String, CodingKey { case points, limit, levels, side, highest, note }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(
      points: try values.decode([Point].self, forKey: .points),
      limit: try values.decode(Double.self, forKey: .limit), density: [],
      side: try values.decode(Int.self, forKey: .side),
      note: try values.decode(String.self, forKey: .note))
    levels = Array(try values.decode(Data.self, forKey: .levels))
    highest = try values.decode(Double.self, forKey: .highest)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(points.filter { $0.x.isFinite && $0.y.isFinite }, forKey: .points)
    try values.encode(limit, forKey: .limit)
    try values.encode(Data(levels), forKey: .levels)
    try values.encode(side, forKey: .side)
    try values.encode(highest, forKey: .highest)
    try values.encode(note, forKey: .note)
  }
}

extension DensityMap.Point: Codable {
  public init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    self.init(x: try values.decode(Double.self), y: try values.decode(Double.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(x)
    try values.encode(y)
  }
}

extension LearningCurve.Point: Codable {
  public init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    self.init(step: try values.decode(Int.self), value: try values.decode(Double.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(step)
    try values.encode(value)
  }
}

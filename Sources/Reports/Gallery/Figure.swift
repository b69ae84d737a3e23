/// What a model made, as a card shows it.
public enum Figure: Sendable, Equatable {
  /// Samples that stand alone, in the order in which they came.
  case pictures(PictureGrid)
  /// Pictures that belong together by columns: given, filled in, original; or interpolations.
  case rows(PictureRows)
  /// Samples of given classes, a column a class.
  case classes(PictureClasses)
  /// How pictures come out of noise.
  case denoising(DenoisingStrip)
  case texts(TextSamples)
  case sound(SoundSample)
  /// Points of the plane and the density learnt from them.
  case density(DensityMap)
  /// Which classes are taken for which.
  case confusion(ConfusionMatrix)
  case translations(TranslationTable)
  /// Where a model looked for each word that it wrote.
  case alignment(AlignmentMap)
  /// Nothing yet: "No samples yet: the first are drawn at step 500."
  case nothing(String)
}

/// A picture as a PNG file and its size in pixels.
public struct Picture: Sendable, Equatable {
  public var png: [UInt8]
  public var width: Int
  public var height: Int

  public init(png: [UInt8], width: Int, height: Int) {
    self.png = png
    // What a PNG may say of itself and a page may bear.
    self.width = max(1, min(65_535, width))
    self.height = max(1, min(65_535, height))
  }
}

/// Samples side by side, the first that came.
public struct PictureGrid: Sendable, Equatable, Codable {
  public var pictures: [Picture]
  /// What they show, for who cannot see them: "generated pictures of clothes".
  public var subject: String
  public var seed: UInt64?
  /// The step of the model that drew them, unless it is the finished one.
  public var step: Int?
  /// How they were drawn: "200 Langevin steps", and what else the caption should say.
  public var note: String

  public init(
    pictures: [Picture], subject: String, seed: UInt64? = nil, step: Int? = nil, note: String = ""
  ) {
    self.pictures = pictures
    self.subject = subject
    self.seed = seed
    self.step = step
    self.note = note
  }
}

/// Rows whose pictures belong together by columns, each row with a label.
public struct PictureRows: Sendable, Equatable, Codable {
  /// Pictures with what they are: "Given", "Filled in by the model", "Original".
  public struct Row: Sendable, Equatable, Codable {
    public var label: String
    public var pictures: [Picture]

    public init(label: String, pictures: [Picture]) {
      self.label = label
      self.pictures = pictures
    }
  }

  public var rows: [Row]
  /// Whether the first and last picture of a row are given, and those between them made.
  public var framesEnds: Bool
  public var caption: String

  public init(rows: [Row], framesEnds: Bool = false, caption: String) {
    self.rows = rows
    self.framesEnds = framesEnds
    self.caption = caption
  }
}

/// Samples of given classes, a column each.
public struct PictureClasses: Sendable, Equatable, Codable {
  /// A class by its name, and samples of it.
  public struct Column: Sendable, Equatable, Codable {
    public var name: String
    public var pictures: [Picture]

    public init(name: String, pictures: [Picture]) {
      self.name = name
      self.pictures = pictures
    }
  }

  public var columns: [Column]
  public var seed: UInt64?
  public var note: String

  public init(columns: [Column], seed: UInt64? = nil, note: String = "") {
    self.columns = columns
    self.seed = seed
    self.note = note
  }
}

/// One picture on its way out of noise: the sampler's state, and below it what is expected of it.
public struct DenoisingStrip: Sendable, Equatable, Codable {
  /// The sampler's times from noise to the end; best eight of them.
  public var times: [Int]
  /// The sampler's state at each time.
  public var states: [Picture]
  /// The clean picture expected at each time.
  public var expected: [Picture]
  /// What the picture becomes, for who cannot see it: "an ankle boot".
  public var subject: String
  /// Finished samples.
  public var samples: PictureGrid?

  public init(
    times: [Int], states: [Picture], expected: [Picture], subject: String,
    samples: PictureGrid? = nil
  ) {
    self.times = times
    self.states = states
    self.expected = expected
    self.subject = subject
    self.samples = samples
  }
}

/// Texts that a model wrote, the first that came.
public struct TextSamples: Sendable, Equatable, Codable {
  /// A text and what it was begun with.
  public struct Sample: Sendable, Equatable, Codable {
    /// The beginning that the model was given.
    public var given: String
    /// What it wrote after it.
    public var text: String
    /// The language's tag, such as "ja", where it is known.
    public var language: String?

    public init(given: String = "", text: String, language: String? = nil) {
      self.given = given
      self.text = text
      self.language = language
    }

    /// What a model of bytes wrote; bytes that are no UTF-8 become visible as ⟨E2⟩.
    public init(given: String = "", bytes: [UInt8], language: String? = nil) {
      self.init(given: given, text: readable(bytes), language: language)
    }
  }

  public var samples: [Sample]
  public var seed: UInt64?
  public var temperature: Double?
  public var step: Int?
  public var note: String

  public init(
    samples: [Sample], seed: UInt64? = nil, temperature: Double? = nil, step: Int? = nil,
    note: String = ""
  ) {
    self.samples = samples
    self.seed = seed
    self.temperature = temperature
    self.step = step
    self.note = note
  }
}

/// A sound of one channel, kept as the 8-bit samples that the page plays: at most 2 s of it.
public struct SoundSample: Sendable, Equatable {
  /// Unsigned samples around 128.
  public var samples: [UInt8]
  /// Samples a second.
  public var rate: Int
  public var seed: UInt64?
  public var step: Int?
  public var note: String

  /// A sound of values from −1 to 1.
  public init(
    samples: [Float], rate: Int, seed: UInt64? = nil, step: Int? = nil, note: String = ""
  ) {
    self.rate = max(1, min(1_000_000, rate))
    self.samples = samples.prefix(2 * self.rate).map {
      $0.isFinite ? UInt8(max(0, min(255, $0 * 127 + 128))) : 128
    }
    self.seed = seed
    self.step = step
    self.note = note
  }
}

/// Points of the plane beside the density that a model learnt from them; both on equal axes.
public struct DensityMap: Sendable, Equatable {
  /// A place in the plane.
  public struct Point: Sendable, Equatable {
    public var x: Double
    public var y: Double

    public init(x: Double, y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// Some hundreds of data points.
  public var points: [Point]
  /// Both axes reach from minus `limit` to `limit`.
  public var limit: Double
  /// The density on a square grid, row by row from the top, 255 for the highest.
  public var levels: [UInt8]
  /// Cells along one side of the grid.
  public var side: Int
  /// The highest density, per square unit.
  public var highest: Double
  public var note: String

  /// A map of `side`² densities, given row by row from the top.
  public init(
    points: [Point], limit: Double, density: [Float], side: Int, note: String = ""
  ) {
    let highest = density.filter(\.isFinite).max() ?? 0
    self.points = points
    self.limit = limit
    self.side = max(1, min(4096, side))
    self.highest = Double(highest)
    self.note = note
    levels = density.map {
      $0.isFinite && highest > 0 ? UInt8(max(0, min(255, ($0 / highest * 255).rounded()))) : 0
    }
  }
}

/// How often each class was answered for each true one.
public struct ConfusionMatrix: Sendable, Equatable, Codable {
  public var classes: [String]
  /// Counts by true class, then by answer.
  public var counts: [[Int]]
  public var note: String

  public init(classes: [String], counts: [[Int]], note: String = "") {
    self.classes = classes
    self.counts = counts
    self.note = note
  }
}

/// Bytes as text; those that are no UTF-8 become visible as ⟨E2⟩.
func readable(_ bytes: [UInt8]) -> String {
  var text = ""
  var rest = bytes[...]
  while let first = rest.first {
    let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    if let piece = String(validating: rest.prefix(length), as: UTF8.self) {
      text += piece
      rest = rest.dropFirst(length)
    } else {
      text += visible(UInt32(first))
      rest = rest.dropFirst()
    }
  }
  return text
}

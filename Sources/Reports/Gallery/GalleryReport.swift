/// Everything that a gallery page shows: plain values, measured and drawn by the caller.
public struct GalleryReport: Sendable, Equatable {
  /// The version of Apus.
  public var version: String
  /// The seed of every method.
  public var seed: UInt64
  /// When the gallery was made, in seconds since 1970, UTC.
  public var date: Int
  /// Conditions in a few words each, such as "2 cores, AVX2" and "float32".
  public var machine: [String]
  /// The command that makes this gallery again.
  public var command: String
  /// Wall time of the whole gallery in seconds, sampling and measuring included.
  public var seconds: Double?
  /// The training time planned for each method in seconds; it is named in the title.
  public var secondsEach: Double?
  /// The data sets of the table, in the order of its parts.
  public var groups: [DataGroup]
  /// Every method, in the order of the cards, whatever became of it.
  public var methods: [MethodReport]
  /// Where the data come from and their licences, one sentence for the foot of the page.
  public var sources: String
  /// Where these values lie for programs, as named in the foot of the page.
  public var location: String

  public init(
    version: String, seed: UInt64, date: Int, machine: [String], command: String,
    seconds: Double? = nil, secondsEach: Double? = nil, groups: [DataGroup] = [],
    methods: [MethodReport], sources: String = "", location: String = "gallery.json"
  ) {
    self.version = version
    self.seed = seed
    self.date = date
    self.machine = machine
    self.command = command
    self.seconds = seconds
    self.secondsEach = secondsEach
    self.groups = groups
    self.methods = methods
    self.sources = sources
    self.location = location
  }
}

/// Methods whose numbers may be compared: the same data, cut and coded the same way.
public struct DataGroup: Sendable, Equatable, Codable {
  /// What `Metric.group` refers to.
  public var id: String
  /// The data set's own name, such as "Fashion-MNIST".
  public var name: String
  /// The unit in full, such as "bits per dimension".
  public var unit: String
  /// What else tells these data from others, such as "8-bit pixels".
  public var note: String
  /// What general programs make of the same data.
  public var references: [Reference]

  public init(
    id: String, name: String, unit: String, note: String = "", references: [Reference] = []
  ) {
    self.id = id
    self.name = name
    self.unit = unit
    self.note = note
    self.references = references
  }

  /// The same data, compressed by a program that knows nothing of them.
  public struct Reference: Sendable, Equatable, Codable {
    /// The program, such as "xz -9".
    public var name: String
    /// The size in the unit of the group.
    public var value: Double
    /// What was compressed, such as "the test pictures compressed".
    public var note: String

    public init(name: String, value: Double, note: String) {
      self.name = name
      self.value = value
      self.note = note
    }
  }
}

/// A number that says how good a method is, and what kind of number it is.
public struct Metric: Sendable, Equatable, Codable {
  /// What `value` is to the truth, as printed: a variational bound on the negative log
  /// likelihood is an upper bound.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case exact
    case lowerBound = "lower_bound"
    case upperBound = "upper_bound"
    case estimate
    case score

    /// The word that stands beside every mark.
    public var word: String {
      rawValue.map { $0 == "_" ? " " : String($0) }.joined()
    }
  }

  /// The quantity in words, such as "bits per dimension".
  public var name: String
  public var value: Double
  /// The short unit: "bits/dim", "bits/byte", "bits/sample", "nats/point", "%", "mean square".
  public var unit: String
  public var kind: Kind
  /// Half the width of the 95 % interval of an estimate.
  public var error: Double?
  /// The `DataGroup.id` of the data it was measured on.
  public var group: String?
  /// What it was measured on and how, such as "10,000 test pictures".
  public var note: String

  public init(
    name: String, value: Double, unit: String, kind: Kind, error: Double? = nil,
    group: String? = nil, note: String = ""
  ) {
    self.name = name
    self.value = value
    self.unit = unit
    self.kind = kind
    self.error = error
    self.group = group
    self.note = note
  }

  /// Whether it lies on the common axis of 0 to 8 bits: everything that is made of 256 values.
  var isOnScale: Bool {
    kind != .score && value.isFinite && ["bits/dim", "bits/byte", "bits/sample"].contains(unit)
  }

  /// The kind with its interval, as in "estimate ± 0.35".
  public var kindInWords: String {
    guard let error, error.isFinite, error > 0 else { return kind.word }
    return kind.word + " " + Wording.uncertainty(error, unit: unit)
  }
}

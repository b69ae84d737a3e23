/// In settings a learning rate is one number (a constant rate) or a few keys:
///
///     {rate: 3e-4, schedule: cosine, warmup: 100, floor: 1e-5}
///
/// | schedule | its keys |
/// |---|---|
/// | `constant`, `linear` | |
/// | `polynomial` | `power` (1) |
/// | `cosine` | `cycles` (1) |
/// | `cosine_restarts` | `first`, `growth` (1) |
/// | `exponential` | `factor` |
/// | `step` | `every`, `factor` (0.1) |
/// | `multi_step` | `at`, `factor` (0.1) |
/// | `inverse_square_root` | `scale` (the warm-up's length) |
/// | `trapezoid` | `fall` (0.2) |
/// | `one_cycle` | `rise` (0.3), `linear` (false), `three_phases` (false) |
/// | `cyclic` | `up`, `down` (as `up`) |
///
/// For all of them: `rate` (0.001), `warmup` (0 steps), `warmup_start` (0), `floor` (0), `steps` (those of the run).
extension LearningRate: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case rate, schedule, warmup
    case warmupStart = "warmup_start"
    case floor, steps
    case power, cycles, first, growth, factor, every, at, scale, fall, rise, linear
    case threePhases = "three_phases"
    case up, down
  }

  private enum Name: String, CaseIterable {
    case constant, linear, polynomial, cosine
    case cosineRestarts = "cosine_restarts"
    case exponential, step
    case multiStep = "multi_step"
    case inverseSquareRoot = "inverse_square_root"
    case trapezoid
    case oneCycle = "one_cycle"
    case cyclic
  }

  /// A key as it stands in the settings, known or not.
  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// - Throws: `DecodingError` for unknown keys and schedules, missing ones, and numbers that make no schedule.
  public init(from decoder: any Decoder) throws {
    if let single = try? decoder.singleValueContainer(), let rate = try? single.decode(Double.self)
    {
      self.init(rate)
    } else {
      try LearningRate.refuseUnknownKeys(decoder)
      let values = try decoder.container(keyedBy: Key.self)
      func value<T: Decodable>(_ key: Key, _ standard: T) throws -> T {
        try values.decodeIfPresent(T.self, forKey: key) ?? standard
      }
      self.init(
        try value(.rate, 1e-3), try LearningRate.schedule(values), warmup: try value(.warmup, 0),
        warmupStart: try value(.warmupStart, 0), floor: try value(.floor, 0),
        steps: try values.decodeIfPresent(Int.self, forKey: .steps))
    }
    if let problem {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a learning rate \(problem)"))
    }
  }

  private static func refuseUnknownKeys(_ decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    guard let unknown = keys.first(where: { Key(rawValue: $0) == nil }) else { return }
    let known = Key.allCases.map(\.rawValue).joined(separator: ", ")
    throw DecodingError.dataCorrupted(
      .init(
        codingPath: decoder.codingPath,
        debugDescription: "a learning rate has no setting “\(unknown)”; there are \(known)"))
  }

  private static func schedule(_ values: KeyedDecodingContainer<Key>) throws -> Schedule {
    func value<T: Decodable>(_ key: Key, _ standard: T? = nil) throws -> T {
      if let standard { return try values.decodeIfPresent(T.self, forKey: key) ?? standard }
      return try values.decode(T.self, forKey: key)
    }
    let word: String = try value(.schedule, "constant")
    guard let name = Name(rawValue: word) else {
      let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: .schedule, in: values,
        debugDescription: "there is no schedule “\(word)”; there are \(known)")
    }
    switch name {
    case .constant: return .constant
    case .linear: return .linear
    case .polynomial: return .polynomial(power: try value(.power, 1))
    case .cosine: return .cosine(cycles: try value(.cycles, 1))
    case .cosineRestarts:
      return .cosineRestarts(first: try value(.first), growth: try value(.growth, 1))
    case .exponential: return .exponential(factor: try value(.factor))
    case .step: return .step(every: try value(.every), factor: try value(.factor, 0.1))
    case .multiStep: return .multiStep(at: try value(.at), factor: try value(.factor, 0.1))
    case .inverseSquareRoot:
      return .inverseSquareRoot(scale: try values.decodeIfPresent(Int.self, forKey: .scale))
    case .trapezoid: return .trapezoid(fall: try value(.fall, 0.2))
    case .oneCycle:
      return .oneCycle(
        rise: try value(.rise, 0.3), isLinear: try value(.linear, false),
        hasThreePhases: try value(.threePhases, false))
    case .cyclic:
      let up: Int = try value(.up)
      return .cyclic(up: up, down: try value(.down, up))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(peak, forKey: .rate)
    func name(_ name: Name) throws { try values.encode(name.rawValue, forKey: .schedule) }
    switch schedule {
    case .constant: try name(.constant)
    case .linear: try name(.linear)
    case .polynomial(let power):
      try name(.polynomial)
      try values.encode(power, forKey: .power)
    case .cosine(let cycles):
      try name(.cosine)
      if cycles != 1 { try values.encode(cycles, forKey: .cycles) }
    case .cosineRestarts(let first, let growth):
      try name(.cosineRestarts)
      try values.encode(first, forKey: .first)
      try values.encode(growth, forKey: .growth)
    case .exponential(let factor):
      try name(.exponential)
      try values.encode(factor, forKey: .factor)
    case .step(let every, let factor):
      try name(.step)
      try values.encode(every, forKey: .every)
      try values.encode(factor, forKey: .factor)
    case .multiStep(let places, let factor):
      try name(.multiStep)
      try values.encode(places, forKey: .at)
      try values.encode(factor, forKey: .factor)
    case .inverseSquareRoot(let scale):
      try name(.inverseSquareRoot)
      try values.encodeIfPresent(scale, forKey: .scale)
    case .trapezoid(let fall):
      try name(.trapezoid)
      try values.encode(fall, forKey: .fall)
    case .oneCycle(let rise, let isLinear, let hasThreePhases):
      try name(.oneCycle)
      try values.encode(rise, forKey: .rise)
      try values.encode(isLinear, forKey: .linear)
      try values.encode(hasThreePhases, forKey: .threePhases)
    case .cyclic(let up, let down):
      try name(.cyclic)
      try values.encode(up, forKey: .up)
      try values.encode(down, forKey: .down)
    }
    if warmup != 0 { try values.encode(warmup, forKey: .warmup) }
    if warmupStart != 0 { try values.encode(warmupStart, forKey: .warmupStart) }
    if floor != 0 { try values.encode(floor, forKey: .floor) }
    try values.encodeIfPresent(steps, forKey: .steps)
  }

  /// What is wrong with the numbers, as the rest of a sentence; nil where nothing is.
  public var problem: String? {
    if !(peak.isFinite && peak >= 0) { return "cannot be \(peak)" }
    if !(floor.isFinite && (0...peak).contains(floor)) {
      return "falls to a floor from 0 to its rate \(peak), not to \(floor)"
    }
    if warmup < 0 { return "cannot rise over \(warmup) steps" }
    if !(0...1).contains(warmupStart) {
      return "rises from a part of itself between 0 and 1, not from \(warmupStart)"
    }
    if let steps, steps < 1 { return "cannot be spread over \(steps) steps" }
    return schedule.problem
  }
}

extension LearningRate.Schedule {
  fileprivate var problem: String? {
    func isPart(_ value: Double) -> Bool { value > 0 && value <= 1 }
    func isFactor(_ value: Double) -> Bool { value.isFinite && value > 0 }
    return switch self {
    case .polynomial(let power) where !isFactor(power): "cannot fall with the power \(power)"
    case .cosine(let cycles) where cycles < 1: "cannot make \(cycles) cycles"
    case .cosineRestarts(let first, let growth) where first < 1 || growth < 1:
      "cannot start again after \(first) steps, then \(growth) times as many"
    case .exponential(let factor) where !isFactor(factor),
      .step(_, let factor) where !isFactor(factor),
      .multiStep(_, let factor) where !isFactor(factor):
      "cannot be multiplied by \(factor)"
    case .step(let every, _) where every < 1: "cannot change every \(every) steps"
    case .multiStep(let places, _) where places.contains { $0 < 0 }:
      "cannot change before the first step"
    case .inverseSquareRoot(let scale?) where scale < 1: "cannot fall with the scale \(scale)"
    case .trapezoid(let fall) where !isPart(fall): "cannot fall over the part \(fall) of a run"
    case .oneCycle(let rise, _, let hasThreePhases) where !isPart(hasThreePhases ? 2 * rise : rise):
      "cannot rise over the part \(rise) of a run"
    case .cyclic(let up, let down) where up < 1 || down < 1:
      "cannot rise over \(up) and fall over \(down) steps"
    default: nil
    }
  }
}

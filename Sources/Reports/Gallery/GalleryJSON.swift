import Foundation

extension GalleryReport {
  /// The report as `gallery.json`: stable keys in snake case, plain numbers, sorted keys.
  ///
  /// `status` is `ok` or `failed`; `state` tells the kinds of the second apart. `error` says in a
  /// sentence what happened. What is missing or not finite is absent, or null for `metric`.
  /// - Parameter figures: whether the samples are within; without them the page can be made again
  ///   only without pictures.
  public func json(figures: Bool = true) -> String {
    var report = self
    if !figures {
      for index in report.methods.indices { report.methods[index].figures = [] }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    // Every value below is a number, a text or a list of them: encoding cannot fail.
    guard let data = try? encoder.encode(report) else { return "{}\n" }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// Reads what `json` wrote.
  /// - Throws: `ReportsError.notGallery` with the key that is missing or wrong.
  public init(json: String) throws(ReportsError) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      self = try decoder.decode(GalleryReport.self, from: Data(json.utf8))
    } catch let error as DecodingError {
      throw .notGallery(reason: GalleryReport.explain(error))
    } catch {
      throw .notGallery(reason: "it cannot be read as JSON")
    }
  }

  private static func explain(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
      return path.isEmpty ? "at its top" : "in " + path.joined(separator: ".")
    }
    return switch error {
    case .keyNotFound(let key, let context): "\"\(key.stringValue)\" is missing \(place(context))"
    case .typeMismatch(_, let context): "a value of another type stands \(place(context))"
    case .valueNotFound(_, let context): "a value is missing \(place(context))"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "it cannot be read as JSON" : "a value cannot be understood \(place(context))"
    @unknown default: "it cannot be read as JSON"
    }
  }
}

extension GalleryReport: Codable {
  private enum Key: String, CodingKey {
    case version, seed, date, machine, command, seconds, secondsEach, groups, methods, sources
    case location
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(
      version: try values.decode(String.self, forKey: .version),
      seed: try values.decode(UInt64.self, forKey: .seed),
      date: try values.decodeIfPresent(Int.self, forKey: .date) ?? 0,
      machine: try values.decodeIfPresent([String].self, forKey: .machine) ?? [],
      command: try values.decodeIfPresent(String.self, forKey: .command) ?? "",
      seconds: try values.decodeIfPresent(Double.self, forKey: .seconds),
      secondsEach: try values.decodeIfPresent(Double.self, forKey: .secondsEach),
      groups: try values.decodeIfPresent([DataGroup].self, forKey: .groups) ?? [],
      methods: try values.decode([MethodReport].self, forKey: .methods),
      sources: try values.decodeIfPresent(String.self, forKey: .sources) ?? "",
      location: try values.decodeIfPresent(String.self, forKey: .location) ?? "gallery.json")
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(version, forKey: .version)
    try values.encode(seed, forKey: .seed)
    try values.encode(date, forKey: .date)
    try values.encode(machine, forKey: .machine)
    try values.encode(command, forKey: .command)
    try values.encodeIfPresent(seconds?.ifFinite, forKey: .seconds)
    try values.encodeIfPresent(secondsEach?.ifFinite, forKey: .secondsEach)
    try values.encode(groups, forKey: .groups)
    try values.encode(methods, forKey: .methods)
    try values.encode(sources, forKey: .sources)
    try values.encode(location, forKey: .location)
  }
}

extension MethodReport: Codable {
  /// `name` is the recipe's name, which every command takes; the method's own name is `title`.
  private enum Key: String, CodingKey {
    case name, title, family, idea, formula, status, state, error, failure, progress, seconds
    case steps, peakBytes, peakRssMb, parameters, fileBytes, metric, curves, figures, command
    case artifacts
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let recipe = try values.decode(String.self, forKey: .name)
    let isTrained = try values.decode(String.self, forKey: .status) == "ok"
    let state = try values.decodeIfPresent(Status.self, forKey: .state)
    // A gallery.json of the promised keys alone says no more than a sentence.
    let error = try values.decodeIfPresent(String.self, forKey: .error)
    let briefFailure = state == nil ? error.map { Failure(short: $0, what: $0) } : nil
    let megabytes = try values.decodeIfPresent(Double.self, forKey: .peakRssMb)
    self.init(
      recipe: recipe,
      title: try values.decodeIfPresent(String.self, forKey: .title) ?? recipe,
      family: try values.decode(String.self, forKey: .family),
      idea: try values.decodeIfPresent(String.self, forKey: .idea) ?? "",
      formula: try values.decodeIfPresent(String.self, forKey: .formula) ?? "",
      status: state ?? (isTrained ? .trained : .failed),
      failure: try values.decodeIfPresent(Failure.self, forKey: .failure) ?? briefFailure,
      progress: try values.decodeIfPresent(Progress.self, forKey: .progress),
      seconds: try values.decodeIfPresent(Double.self, forKey: .seconds),
      steps: try values.decodeIfPresent(Int.self, forKey: .steps),
      peakBytes: try values.decodeIfPresent(Int.self, forKey: .peakBytes)
        ?? megabytes.flatMap { Int(exactly: ($0 * 1e6).rounded()) },
      parameters: try values.decodeIfPresent(Int.self, forKey: .parameters),
      fileBytes: try values.decodeIfPresent(Int.self, forKey: .fileBytes),
      metric: try values.decodeIfPresent(Metric.self, forKey: .metric),
      curves: try values.decodeIfPresent([LearningCurve].self, forKey: .curves) ?? [],
      figures: try values.decodeIfPresent([Figure].self, forKey: .figures) ?? [],
      command: try values.decode(String.self, forKey: .command),
      artifacts: try values.decodeIfPresent([String].self, forKey: .artifacts) ?? [])
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(recipe, forKey: .name)
    try values.encode(title, forKey: .title)
    try values.encode(family, forKey: .family)
    try values.encode(idea, forKey: .idea)
    try values.encode(formula, forKey: .formula)
    try values.encode(status == .trained ? "ok" : "failed", forKey: .status)
    try values.encode(status, forKey: .state)
    if status != .trained {
      let what = failure.map { sentences([$0.what, $0.why, $0.kept]) } ?? status.word
      try values.encode(what, forKey: .error)
    }
    try values.encodeIfPresent(failure, forKey: .failure)
    try values.encodeIfPresent(progress, forKey: .progress)
    try values.encodeIfPresent(seconds?.ifFinite, forKey: .seconds)
    try values.encodeIfPresent(steps, forKey: .steps)
    try values.encodeIfPresent(peakBytes, forKey: .peakBytes)
    try values.encodeIfPresent(peakBytes.map { Double($0) / 1e6 }, forKey: .peakRssMb)
    try values.encodeIfPresent(parameters, forKey: .parameters)
    try values.encodeIfPresent(fileBytes, forKey: .fileBytes)
    try values.encode(metric.flatMap { $0.value.isFinite ? $0 : nil }, forKey: .metric)
    try values.encode(curves.map(\.drawn), forKey: .curves)
    try values.encode(figures, forKey: .figures)
    try values.encode(command, forKey: .command)
    try values.encode(artifacts, forKey: .artifacts)
  }
}

extension LearningCurve {
  /// The points that the page draws, all finite.
  fileprivate var drawn: LearningCurve {
    var curve = self
    curve.training = Axis.decimated(training)
    curve.heldOut = Axis.decimated(heldOut, to: Axis.mostHeldOut)
    return curve
  }
}

extension Double {
  /// Itself, or nothing where JSON has no number for it.
  fileprivate var ifFinite: Double? { isFinite ? self : nil }
}

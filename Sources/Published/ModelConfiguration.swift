public import Documents
public import Foundation

/// The values of a `config.json`, read by name and type. Whatever is wrong with one is an error that names it.
public struct ModelConfiguration: Sendable {
  /// The file, for messages.
  public let file: String
  /// An object.
  public let values: JSONValue
  /// Where in the file the values stand, such as `vision_config.`.
  private let path: String

  public init(_ values: JSONValue, file: String, path: String = "") {
    (self.values, self.file, self.path) = (values, file, path)
  }

  /// Reads a file.
  public init(reading url: URL) throws(PublishedError) {
    guard let data = try? Data(contentsOf: url) else {
      throw .missing(
        file: url.path, mend: "name a folder that has a config.json beside its weights")
    }
    try self.init(bytes: [UInt8](data), file: url.path)
  }

  /// Reads the text of a `config.json`.
  /// - Parameter file: how messages call it.
  public init(parsing text: String, file: String) throws(PublishedError) {
    try self.init(bytes: Array(text.utf8), file: file)
  }

  private init(bytes: [UInt8], file: String) throws(PublishedError) {
    let values: JSONValue
    do {
      values = try JSONValue(parsing: bytes, takesPythonNumbers: true)
    } catch {
      throw .configuration(file: file, problem: "\(error)", mend: "fetch the file again")
    }
    guard values.members != nil else {
      throw .configuration(
        file: file, problem: "it is no JSON object", mend: "fetch the file again")
    }
    self.init(values, file: file)
  }

  /// Whether there is a value of this name other than null.
  public func has(_ name: String) -> Bool { values[name].map { !$0.isNull } ?? false }

  // MARK: Values by type

  public func integer(_ name: String, default value: Int? = nil) throws(PublishedError) -> Int {
    try read(name, "a whole number", value) { $0.integer }
  }

  /// A whole number of at least 1: a size or a count, small enough that products of some of them are numbers.
  public func size(_ name: String, default value: Int? = nil, atMost limit: Int = 1 << 28)
    throws(PublishedError) -> Int
  {
    let size = try integer(name, default: value)
    try require(size > 0, name, "is \(size)", "it must be at least 1")
    try require(size <= limit, name, "is \(size)", "it must be at most \(limit)")
    return size
  }

  public func real(_ name: String, default value: Double? = nil) throws(PublishedError) -> Double {
    try read(name, "a finite number", value) { $0.real.flatMap { $0.isFinite ? $0 : nil } }
  }

  public func bool(_ name: String, default value: Bool? = nil) throws(PublishedError) -> Bool {
    try read(name, "true or false", value) { $0.bool }
  }

  public func text(_ name: String, default value: String? = nil) throws(PublishedError) -> String {
    try read(name, "a text", value) { $0.string }
  }

  /// A list of sizes; one number stands for a list of it alone.
  public func sizes(_ name: String, default value: [Int]? = nil, atMost limit: Int = 1 << 28)
    throws(PublishedError) -> [Int]
  {
    let sizes = try integers(name, default: value)
    try require(sizes.allSatisfy { $0 > 0 }, name, "is \(sizes)", "sizes must be at least 1")
    try require(
      sizes.allSatisfy { $0 <= limit }, name, "is \(sizes)", "sizes must be at most \(limit)")
    return sizes
  }

  /// A list of whole numbers; one number stands for a list of it alone.
  public func integers(_ name: String, default value: [Int]? = nil) throws(PublishedError) -> [Int]
  {
    try read(name, "a list of whole numbers", value) { json in
      if let one = json.integer { return [one] }
      let numbers = json.elements?.compactMap(\.integer)
      return numbers?.count == json.elements?.count ? numbers : nil
    }
  }

  public func bools(_ name: String, default value: [Bool]? = nil) throws(PublishedError) -> [Bool] {
    try read(name, "a list of true and false", value) { json in
      let bools = json.elements?.compactMap(\.bool)
      return bools?.count == json.elements?.count ? bools : nil
    }
  }

  public func texts(_ name: String, default value: [String]? = nil) throws(PublishedError)
    -> [String]
  {
    try read(name, "a list of texts", value) { json in
      let texts = json.elements?.compactMap(\.string)
      return texts?.count == json.elements?.count ? texts : nil
    }
  }

  /// An object inside, such as `vision_config`; empty where it is absent and need not be there.
  public func part(_ name: String, isOptional: Bool = false) throws(PublishedError)
    -> ModelConfiguration
  {
    let values = try read(name, "an object", isOptional ? .object([]) : nil) {
      $0.members == nil ? nil : $0
    }
    return ModelConfiguration(values, file: file, path: path + name + ".")
  }

  // MARK: Errors

  /// Refuses the file unless `condition` holds for the value of this name.
  public func require(
    _ condition: Bool, _ name: String, _ problem: String, _ mend: String
  ) throws(PublishedError) {
    guard !condition else { return }
    throw .configuration(file: file, problem: "\"\(path)\(name)\" \(problem)", mend: mend)
  }

  /// Refuses sizes of which one must divide the other, such as heads and width.
  public func require(
    _ divisor: String, _ d: Int, divides name: String, _ n: Int
  ) throws(PublishedError) {
    try require(
      d > 0 && n % d == 0, divisor, "is \(d), which does not divide \"\(name)\" \(n)",
      "choose a divisor")
  }

  private func read<T>(
    _ name: String, _ kind: String, _ value: T?, _ convert: (JSONValue) -> T?
  ) throws(PublishedError) -> T {
    guard let json = values[name], !json.isNull else {
      if let value { return value }
      throw .configuration(
        file: file, problem: "\"\(path)\(name)\" is missing", mend: "it must be \(kind)")
    }
    guard let converted = convert(json) else {
      let text = String(decoding: json.encoded().prefix(60), as: UTF8.self)
      throw .configuration(
        file: file, problem: "\"\(path)\(name)\" is \(text)", mend: "it must be \(kind)")
    }
    return converted
  }
}

extension JSONValue {
  /// The number, whole or not.
  var real: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

/// A value of a JSON document, with members in the order of the text.
///
/// Foundation's readers drop repeated members and take canonically equivalent names for equal; a
/// vocabulary or the header of a checkpoint must keep both apart, so this type does.
public enum JSONValue: Sendable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits.
  case integer(Int)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A name and its value in an object.
  public struct Member: Sendable {
    public var name: String
    public var value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The value of the first member of this name, compared scalar by scalar; nil where this is no
  /// object or has no such member.
  public subscript(name: String) -> JSONValue? {
    members?.first { $0.name.isExactly(name) }?.value
  }

  public var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  public var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  public var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  public var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// Any number.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  public var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// The first name that an object has twice.
  public var repeatedName: String? {
    var seen = Set<ExactText>()
    return members?.first { !seen.insert(ExactText($0.name)).inserted }?.name
  }
}

/// Text that equals other text only when their Unicode scalars are the same, where `String` takes
/// canonically equivalent texts for equal.
public struct ExactText: Hashable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }

  public static func == (a: ExactText, b: ExactText) -> Bool { a.text.isExactly(b.text) }

  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension String {
  /// Whether both texts have the same Unicode scalars.
  public func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// Why a text is not JSON, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The place in the text, in bytes from its beginning.
  public let offset: Int
  public let problem: String

  public var description: String { "\(problem) at byte \(offset)" }
}

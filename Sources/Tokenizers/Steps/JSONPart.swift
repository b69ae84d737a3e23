package import Documents

/// A value of a tokenizer's description and where it stands in it, for errors.
package struct JSONPart {
  package let value: JSONValue
  package let path: String

  package init(_ value: JSONValue, at path: String) {
    self.value = value
    self.path = path
  }

  func error(_ problem: String) -> TokenizerError { .malformed(problem: "\(path) \(problem)") }

  /// A member; nil where it is absent or null.
  subscript(name: String) -> JSONPart? {
    guard let member = value[name], !member.isNull else { return nil }
    return JSONPart(member, at: path.isEmpty ? name : "\(path).\(name)")
  }

  func required(_ name: String) throws(TokenizerError) -> JSONPart {
    guard let part = self[name] else { throw error("has no \(name)") }
    return part
  }

  func text() throws(TokenizerError) -> String {
    guard let text = value.string else { throw error("must be a string") }
    return text
  }

  func bytes() throws(TokenizerError) -> [UInt8] { Array(try text().utf8) }

  func bool(_ name: String, default other: Bool) throws(TokenizerError) -> Bool {
    guard let part = self[name] else { return other }
    guard let value = part.value.bool else { throw part.error("must be true or false") }
    return value
  }

  func text(_ name: String, default other: String? = nil) throws(TokenizerError) -> String {
    if let part = self[name] { return try part.text() }
    guard let other else { throw error("has no \(name)") }
    return other
  }

  /// A number from 0 to 2^31 - 1.
  func count(_ name: String, default other: Int? = nil) throws(TokenizerError) -> Int {
    guard let part = self[name] else {
      guard let other else { throw error("has no \(name)") }
      return other
    }
    return try part.count()
  }

  func count() throws(TokenizerError) -> Int {
    guard let value = value.integer, value >= 0, value <= Int(Int32.max) else {
      throw error("must be a whole number from 0 to \(Int32.max)")
    }
    return value
  }

  func elements() throws(TokenizerError) -> [JSONPart] {
    guard let elements = value.elements else { throw error("must be an array") }
    return elements.enumerated().map { JSONPart($1, at: "\(path)[\($0)]") }
  }

  /// One character.
  func character(_ name: String, default other: String? = nil) throws(TokenizerError) -> UInt32 {
    let scalars = Array(try text(name, default: other).unicodeScalars)
    guard scalars.count == 1 else {
      throw error("has a \(name) that is not one character")
    }
    return scalars[0].value
  }

  /// A word of a list, whatever its case.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default other: Choice? = nil
  ) throws(TokenizerError) -> Choice where Choice.RawValue == String {
    if let other, self[name] == nil { return other }
    let text = try text(name)
    guard let choice = Choice.allCases.first(where: { $0.rawValue == text }) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("has the \(name) \"\(text)\", which is none of \(names)")
    }
    return choice
  }

  /// `{"String": …}` or `{"Regex": …}`.
  func pattern() throws(TokenizerError) -> Pattern {
    let part = try required("pattern")
    if let text = part["String"] {
      let bytes = try text.bytes()
      if bytes.isEmpty { throw text.error("must not be empty") }
      return .text(bytes)
    }
    let source = try part.required("Regex")
    let expression = try source.text()
    do throws(RegexError) { return try Pattern(regex: expression) } catch {
      throw source.error(
        "is a regular expression with \(error.problem) at character \(error.offset)")
    }
  }

  func unsupportedType(_ names: String) throws(TokenizerError) -> TokenizerError {
    .unsupported(part: "\(path) of the type \"\(try text("type"))\"", known: names)
  }
}

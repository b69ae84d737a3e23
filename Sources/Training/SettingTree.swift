import Documents
import Foundation
import Tensors
import Yams

/// Settings as a tree of JSON values under Swift's names, and as YAML under names in snake_case.
enum SettingTree {
  /// The settings in the order of their declaration; an optional that is nil is null.
  static func tree(of value: some Encodable) -> JSONValue {
    let encoder = JSONEncoder()
    // Without an order of its own the encoder's changes from process to process.
    encoder.outputFormatting = .sortedKeys
    guard let data = try? encoder.encode(value),
      let tree = try? JSONValue(parsing: [UInt8](data), depth: 64)
    else { fail("settings must be encodable: \(value)") }
    return ordered(tree, value)
  }

  private static func ordered(_ tree: JSONValue, _ value: Any) -> JSONValue {
    guard let members = tree.members else { return tree }
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle == .struct else { return tree }
    // A value that is coded in a form of its own has other names than its properties.
    let labels = Set(mirror.children.compactMap(\.label))
    guard members.allSatisfy({ labels.contains($0.name) }) else { return tree }
    var result: [JSONValue.Member] = []
    for child in mirror.children {
      guard let label = child.label else { continue }
      if let member = members.first(where: { $0.name == label }) {
        result.append(JSONValue.Member(label, ordered(member.value, child.value)))
      } else if Mirror(reflecting: child.value).displayStyle == .optional {
        result.append(JSONValue.Member(label, .null))
      }
    }
    let rest = members.filter { member in !result.contains { $0.name == member.name } }
    return .object(result + rest.sorted { $0.name < $1.name })
  }

  /// `learningRate` as `learning_rate`, `useEMA` as `use_ema`.
  static func snake(_ name: String) -> String {
    var words = ""
    let letters = Array(name)
    for (i, letter) in letters.enumerated() {
      let followsWord = i > 0 && !letters[i - 1].isUppercase && letters[i - 1] != "_"
      let endsAcronym =
        i > 0 && letters[i - 1].isUppercase && i + 1 < letters.count && letters[i + 1].isLowercase
      if letter.isUppercase && (followsWord || endsAcronym) { words += "_" }
      words += letter.lowercased()
    }
    return words
  }

  /// Swift's name of a key; `-` may stand for `_`.
  static func key(_ name: String, in tree: JSONValue) -> String? {
    let name = name.replacing("-", with: "_")
    return tree.members?.first { snake($0.name) == name }?.name
  }

  static func replacing(
    _ keys: ArraySlice<String>, in tree: JSONValue, by value: JSONValue
  ) -> JSONValue {
    guard let key = keys.first, let members = tree.members else { return value }
    return .object(
      members.map { member in
        guard member.name == key else { return member }
        return JSONValue.Member(key, replacing(keys.dropFirst(), in: member.value, by: value))
      })
  }

  /// A node as the kind of value that stands there now.
  static func value(_ node: Yams.Node, like old: JSONValue) -> JSONValue {
    if let sequence = node.sequence {
      let first = old.elements?.first ?? .null
      return .array(sequence.map { value($0, like: first) })
    }
    if let mapping = node.mapping {
      return .object(mapping.map { JSONValue.Member($0.string ?? "", value($1, like: .null)) })
    }
    let text = node.scalar?.string ?? ""
    if old.string != nil || node.isQuoted { return .string(text) }
    switch text {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null", "~", "": return .null
    default: break
    }
    if let whole = Int(text) { return .integer(whole) }
    if let number = Double(text), number.isFinite {
      // 1e4 is a whole number too.
      if case .integer = old, let whole = Int(exactly: number) { return .integer(whole) }
      return .number(number)
    }
    return .string(text)
  }

  /// The names of what a setting chooses from; nil where it is no choice.
  private static func choices(at keys: [String], in settings: Any) -> [String]? {
    var value = settings
    for key in keys {
      guard let child = Mirror(reflecting: value).children.first(where: { $0.label == key }) else {
        return nil
      }
      value = child.value
    }
    func names<Choice: CaseIterable>(_ type: Choice.Type) -> [String] {
      type.allCases.compactMap { ($0 as? any Encodable).flatMap { tree(of: $0).string } }
    }
    return (type(of: value) as? any CaseIterable.Type).map { names($0) }
  }

  /// What a setting takes, from the error of a value that it did not.
  static func problem(
    _ error: any Error, at keys: [String], in settings: Any, old: JSONValue, new: JSONValue
  ) -> String {
    if let choices = choices(at: keys, in: settings), choices.count > 1 {
      return choices.dropLast().joined(separator: ", ") + " or " + choices[choices.count - 1]
    }
    if case .integer = old, case .number = new { return "a whole number" }
    switch error {
    case DecodingError.typeMismatch(let type, _), DecodingError.valueNotFound(let type, _):
      switch type {
      case is Bool.Type: return "true or false"
      case is String.Type: return "text"
      case is any BinaryInteger.Type: return "a whole number"
      case is any BinaryFloatingPoint.Type: return "a number"
      default: return type is [Any].Type ? "a list" : "\(type)"
      }
    case DecodingError.dataCorrupted(let context):
      if case .integer = old { return "a whole number in range" }
      return "another value (\(context.debugDescription))"
    default: return "another value (\(error))"
    }
  }

  // MARK: YAML

  static func yaml(_ tree: JSONValue) -> String {
    (try? Yams.serialize(node: node(tree))) ?? ""
  }

  private static func node(_ tree: JSONValue) -> Yams.Node {
    switch tree {
    case .null: return Yams.Node("null", Tag(.null))
    case .bool(let value): return Yams.Node("\(value)", Tag(.bool))
    case .integer(let value): return Yams.Node("\(value)", Tag(.int))
    case .number(let value): return Yams.Node("\(value)", Tag(.float))
    case .string(let text):
      let isPlain = text.range(of: "^[A-Za-z][A-Za-z0-9_./-]*$", options: .regularExpression) != nil
      let isWord = ["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased())
      return Yams.Node(text, Tag(.str), isPlain && !isWord ? .plain : .doubleQuoted)
    case .array(let elements):
      return .sequence(Yams.Node.Sequence(elements.map(node), Tag(.seq), .flow))
    case .object(let members):
      let pairs = members.map { (Yams.Node(snake($0.name)), node($0.value)) }
      return .mapping(Yams.Node.Mapping(pairs))
    }
  }
}

extension Yams.Node {
  fileprivate var isQuoted: Bool {
    scalar?.style == .singleQuoted || scalar?.style == .doubleQuoted
  }

  /// The value as messages show it.
  var shown: String {
    if sequence != nil { return "a list" }
    if mapping != nil { return "nested settings" }
    return "\"\(scalar?.string ?? "")\""
  }
}

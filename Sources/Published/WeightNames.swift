/// How a library calls the tensors and inner values of a network: rules from our names to the library's.
///
/// A rule's left side is the beginning of a dotted name, `*` standing for one component; the first rule that fits replaces
/// that beginning by its right side, where each `*` is what the corresponding one on the left stood for. Names that no rule
/// fits are the same in both.
///
///     let names: WeightNames = ["blocks.*.norm1": "encoder.layers.encoder_layer_*.ln_1"]
///     names("blocks.3.norm1.weight")  // encoder.layers.encoder_layer_3.ln_1.weight
public struct WeightNames: Sendable, ExpressibleByDictionaryLiteral {
  private var rules: [(ours: [Substring], theirs: String)]

  public init(dictionaryLiteral rules: (String, String)...) { self.init(rules) }

  public init(_ rules: [(String, String)]) {
    self.rules = rules.map { (Self.literal($0.0), $0.1) }
  }

  /// These rules, then those of `other`.
  public func then(_ other: WeightNames) -> WeightNames {
    var joined = self
    joined.rules += other.rules
    return joined
  }

  public func callAsFunction(_ name: String) -> String {
    let components = name.split(separator: ".", omittingEmptySubsequences: false)
    for rule in rules {
      guard let captures = Self.captures(rule.ours, components) else { continue }
      var captured = captures[...]
      var beginning = ""
      for character in rule.theirs {
        if character == "*", let next = captured.popFirst() {
          beginning += next
        } else {
          beginning.append(character)
        }
      }
      let rest = components.dropFirst(rule.ours.count).joined(separator: ".")
      return [beginning, rest].filter { !$0.isEmpty }.joined(separator: ".")
    }
    return name
  }

  /// Whether a name begins as a pattern says.
  static func fits(_ name: String, _ pattern: String) -> Bool {
    captures(literal(pattern), name.split(separator: ".", omittingEmptySubsequences: false)) != nil
  }

  private static func literal(_ pattern: String) -> [Substring] {
    pattern.isEmpty ? [] : pattern.split(separator: ".", omittingEmptySubsequences: false)
  }

  private static func captures(_ pattern: [Substring], _ components: [Substring]) -> [Substring]? {
    guard components.count >= pattern.count else { return nil }
    var captures: [Substring] = []
    for (wanted, component) in zip(pattern, components) {
      if wanted == "*" { captures.append(component) } else if wanted != component { return nil }
    }
    return captures
  }
}

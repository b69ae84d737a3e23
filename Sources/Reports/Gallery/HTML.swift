/// Markup under construction: literals are markup, every interpolated text is escaped.
///
/// The page is made of values of this type alone, so no text can reach it unescaped.
package struct HTML: ExpressibleByStringInterpolation, Equatable, Sendable {
  package var markup: String

  package init(stringLiteral value: String) { markup = value }

  package init(stringInterpolation parts: StringInterpolation) { markup = parts.markup }

  /// Markup made elsewhere in this module, such as the style sheet.
  init(markup: String) { self.markup = markup }

  package struct StringInterpolation: StringInterpolationProtocol {
    var markup = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      markup.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    package mutating func appendLiteral(_ literal: String) { markup += literal }
    package mutating func appendInterpolation(_ text: String) { markup += escape(text) }
    package mutating func appendInterpolation(_ number: Int) { markup += String(number) }
    package mutating func appendInterpolation(_ part: HTML) { markup += part.markup }

    /// A coordinate or length, cut to at most `digits` decimals.
    mutating func appendInterpolation(_ number: Double, digits: Int) {
      markup += coordinate(number, digits: digits)
    }
  }

  static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.markup + right.markup) }
}

extension Sequence where Element == HTML {
  /// The parts one after another.
  func joined(_ separator: String = "") -> HTML {
    HTML(markup: map(\.markup).joined(separator: separator))
  }
}

/// Text made safe for elements and for attributes in either kind of quote.
///
/// Control characters, marks that turn the direction of what follows them, and code points that
/// are no text become visible as ⟨1B⟩: a model may write anything.
package func escape(_ text: String) -> String {
  var escaped = ""
  escaped.reserveCapacity(text.utf8.count)
  var scalars = Array(text.unicodeScalars)[...]
  while let scalar = scalars.popFirst() {
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "\"": escaped += "&quot;"
    case "'": escaped += "&#39;"
    case "\r" where scalars.first == "\n": continue
    case _ where isHarmful(scalar): escaped += visible(scalar.value)
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}

/// The visible sign of a byte or code point that is no text, such as ⟨E2⟩.
func visible(_ value: UInt32) -> String {
  let digits = String(value, radix: 16, uppercase: true)
  return "⟨" + (digits.count < 2 ? "0" : "") + digits + "⟩"
}

private func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0A: false
  case 0x00...0x1F, 0x7F...0x9F: true
  case 0x202A...0x202E, 0x2066...0x2069: true
  case 0xFDD0...0xFDEF: true
  default: scalar.value & 0xFFFE == 0xFFFE
  }
}

/// A coordinate with at most `digits` decimals and no trailing zeros; what is not finite is 0.
func coordinate(_ number: Double, digits: Int) -> String {
  guard number.isFinite else { return "0" }
  var text = fixed(abs(number), digits: digits)
  if text.contains(".") {
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
  }
  return number < 0 && text != "0" ? "-" + text : text
}

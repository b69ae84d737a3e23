/// A formula written in one line of text and shown as MathML.
///
/// The notation: letters stand for themselves and a run of letters is one word; `_` and `^` put
/// the next symbol, or all of the next `{…}`, below and above (under and over `∑`, `∏`, `min`,
/// `max`); `frac{a}{b}`, `sqrt{a}` and `hat{a}` do what their names say; a line may break only at
/// `;`; `‖` between spaces divides, else it is a norm's. For example: `log p(x); ≥ E_{q(z|x)}[log p(x|z)]; − KL(q(z|x) ‖ p(z))`.
///
/// What does not fit the notation is shown as it is: nothing is lost and nothing traps.
package enum Formula {
  /// The formula as pieces that a line may break between.
  package static func markup(_ notation: String) -> HTML {
    let pieces = notation.split(separator: ";").enumerated().map { place, piece -> HTML in
      var parser = Parser(rest: Array(piece)[...])
      var terms = parser.terms(until: nil)
      if place > 0, let first = terms.first {
        terms[0] =
          first.markup.hasPrefix("<mo>")
          ? HTML(markup: #"<mo form="infix">"# + first.markup.dropFirst("<mo>".count))
          : #"<mspace width="1.4em"></mspace>"# + first
      }
      return "<math displaystyle=\"true\"><mrow>\(terms.joined())</mrow></math>"
    }
    return pieces.joined(" ")
  }

  private static let functions: Set<String> = ["log", "det", "exp", "sin", "cos", "tanh", "ln"]
  private static let limits: Set<String> = ["min", "max", "sup", "inf"]
  private static let signs: Set<Character> = ["∑", "∏", "∫"]

  /// Reads a piece from left to right; a level of recursion for each brace.
  private struct Parser {
    var rest: ArraySlice<Character>
    var depth = 0
    /// Whether a space stands before the next symbol.
    var wasSpace = false

    mutating func terms(until end: Character?) -> [HTML] {
      var terms: [HTML] = []
      while let next = rest.first {
        if next == end {
          rest.removeFirst()
          break
        }
        if next.isWhitespace {
          rest.removeFirst()
        } else {
          terms.append(scripted())
        }
        wasSpace = next.isWhitespace
      }
      return terms
    }

    /// A symbol with what stands below and above it.
    private mutating func scripted() -> HTML {
      let (base, takesLimits) = symbol()
      var (below, above): (HTML?, HTML?)
      while let next = rest.first {
        if next == "_", below == nil {
          rest.removeFirst()
          below = argument()
        } else if next == "^", above == nil {
          rest.removeFirst()
          above = argument()
        } else {
          break
        }
      }
      switch (below, above, takesLimits) {
      case (let below?, let above?, true): return "<munderover>\(base)\(below)\(above)</munderover>"
      case (let below?, let above?, false): return "<msubsup>\(base)\(below)\(above)</msubsup>"
      case (let below?, nil, true): return "<munder>\(base)\(below)</munder>"
      case (let below?, nil, false): return "<msub>\(base)\(below)</msub>"
      case (nil, let above?, true): return "<mover>\(base)\(above)</mover>"
      case (nil, let above?, false): return "<msup>\(base)\(above)</msup>"
      case (nil, nil, _): return base
      }
    }

    /// The next symbol, or all of the next group in braces.
    private mutating func argument() -> HTML {
      while rest.first?.isWhitespace == true { rest.removeFirst() }
      guard rest.first == "{", depth < 16 else {
        return rest.isEmpty ? "<mrow></mrow>" : "<mrow>\(symbol().markup)</mrow>"
      }
      return group()
    }

    private mutating func group() -> HTML {
      rest.removeFirst()
      depth += 1
      defer { depth -= 1 }
      return "<mrow>\(terms(until: "}").joined())</mrow>"
    }

    private mutating func symbol() -> (markup: HTML, takesLimits: Bool) {
      let next = rest.removeFirst()
      if next == "{", depth < 16 {
        rest = [next] + rest
        return (group(), false)
      }
      if next.isASCII, next.isLetter { return word(beginning: next) }
      if next.isNumber {
        let more = rest.prefix { $0.isNumber || $0 == "." }
        rest = rest.dropFirst(more.count)
        return ("<mn>\(String(next) + String(more))</mn>", false)
      }
      if next.isLetter { return ("<mi>\(String(next))</mi>", false) }
      switch next {
      case "(", ")", "[", "]", "|", "‖", "{", "}":
        return ("<mo stretchy=\"false\">\(String(next))</mo>", false)
      case "‖" where wasSpace && rest.first?.isWhitespace == true:
        return ("<mo lspace=\".22em\" rspace=\".22em\" stretchy=\"false\">‖</mo>", false)
      default:
        return ("<mo>\(String(next))</mo>", Formula.signs.contains(next))
      }
    }

    private mutating func word(beginning first: Character) -> (markup: HTML, takesLimits: Bool) {
      let more = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(more.count)
      let word = String(first) + String(more)
      switch word {
      case "frac" where rest.first == "{":
        let above = argument()
        return ("<mfrac>\(above)\(argument())</mfrac>", false)
      case "sqrt" where rest.first == "{":
        return ("<msqrt>\(argument())</msqrt>", false)
      case "hat" where rest.first == "{":
        return ("<mover>\(argument())<mo>^</mo></mover>", false)
      case _ where Formula.limits.contains(word):
        return ("<mo>\(word)</mo>", true)
      case _ where Formula.functions.contains(word):
        let thin: HTML = "<mspace width=\".17em\"></mspace>"
        return ("\(thin)<mi>\(word)</mi>\(thin)", false)
      default:
        return ("<mi>\(word)</mi>", false)
      }
    }
  }
}

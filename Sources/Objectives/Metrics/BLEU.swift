internal import Foundation

/// How much translations share with references in runs of one to four words: the geometric mean of the four precisions,
/// less where the translations are shorter (Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine
/// translation").
///
/// The numbers are those of sacreBLEU (Post, arXiv:1804.08771) with its signature
/// `case:mixed|eff:no|tok:13a|smooth:exp`: counts are summed over the whole corpus, and where no run of a length is shared,
/// half, a quarter, … of one counts.
///
///     BLEU(["the cat sat"], references: [["the cat sat down"]]).score
public struct BLEU: Sendable, Hashable {
  /// From 0 to 100.
  public let score: Double
  /// Of runs of 1, 2, 3, 4 words, in percent.
  public let precisions: [Double]
  /// What short translations are punished by, from 0 to 1.
  public let brevityPenalty: Double
  /// Words of the translations.
  public let length: Int
  /// Words of those references that are the nearest in length.
  public let referenceLength: Int

  private static let longestRun = 4

  /// - Parameters:
  ///   - translations: sentences.
  ///   - references: for each of them one or more. Sentences without a counterpart do not count.
  public init(_ translations: [String], references: [[String]]) {
    var (correct, total) = ([Int](repeating: 0, count: 4), [Int](repeating: 0, count: 4))
    var (length, referenceLength) = (0, 0)
    for (translation, references) in zip(translations, references) where !references.isEmpty {
      let words = Self.words(translation)
      let others = references.map(Self.words)
      length += words.count
      referenceLength +=
        others.map(\.count).min {
          (abs($0 - words.count), $0) < (abs($1 - words.count), $1)
        } ?? 0
      for n in 1...Self.longestRun {
        var greatest: [ArraySlice<String>: Int] = [:]
        for other in others { greatest.merge(Self.runs(other, n), uniquingKeysWith: max) }
        for (run, count) in Self.runs(words, n) {
          correct[n - 1] += min(count, greatest[run] ?? 0)
          total[n - 1] += count
        }
      }
    }
    (self.length, self.referenceLength) = (length, referenceLength)
    brevityPenalty =
      length >= referenceLength
      ? 1 : length == 0 ? 0 : exp(1 - Double(referenceLength) / Double(length))
    precisions = Self.precisions(correct, total)
    let isComplete = correct.contains { $0 > 0 } && precisions.allSatisfy { $0 > 0 }
    score =
      isComplete
      ? brevityPenalty * exp(precisions.map { log($0) }.reduce(0, +) / Double(Self.longestRun)) : 0
  }

  private static func precisions(_ correct: [Int], _ total: [Int]) -> [Double] {
    guard correct.contains(where: { $0 > 0 }) else { return correct.map { _ in 0 } }
    var smallest = 1.0
    return zip(correct, total).map { correct, total in
      guard total > 0 else { return 0 }
      if correct == 0 { smallest /= 2 }
      return 100 * (correct == 0 ? smallest : Double(correct)) / Double(total)
    }
  }

  private static func runs(_ words: [String], _ length: Int) -> [ArraySlice<String>: Int] {
    var runs: [ArraySlice<String>: Int] = [:]
    guard words.count >= length else { return runs }
    for start in 0...(words.count - length) {
      runs[words[start..<(start + length)], default: 0] += 1
    }
    return runs
  }

  /// The words and marks of a sentence, as `mteval-v13a.pl` cuts it.
  public static func words(_ sentence: String) -> [String] {
    var text = sentence
    while text.unicodeScalars.last?.properties.isWhitespace == true {
      text.unicodeScalars.removeLast()
    }
    let replacements = [
      ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"),
      ("&lt;", "<"), ("&gt;", ">"),
    ]
    for (old, new) in replacements {
      text = text.replacingOccurrences(of: old, with: new, options: .literal)
    }
    var scalars: [Unicode.Scalar] = [" "]
    for scalar in text.unicodeScalars {
      scalars += isMark(scalar) ? [" ", scalar, " "] : [scalar]
    }
    scalars.append(" ")
    // A full stop or comma belongs to a number only between two digits; a hyphen behind a digit stands alone.
    scalars = scalars.pairs {
      !isDigit($0) && isPoint($1)
    } with: {
      [$0, " ", $1, " "]
    }
    scalars = scalars.pairs {
      isPoint($0) && !isDigit($1)
    } with: {
      [" ", $0, " ", $1]
    }
    scalars = scalars.pairs {
      isDigit($0) && $1 == "-"
    } with: {
      [$0, " ", $1, " "]
    }
    return scalars.split { $0.properties.isWhitespace }.map {
      String(String.UnicodeScalarView($0))
    }
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
  private static func isPoint(_ scalar: Unicode.Scalar) -> Bool { scalar == "." || scalar == "," }

  /// ASCII marks except ' , - . which may stand within words and numbers.
  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case " "..."&", "("..."+", "/", ":"..."@", "["..."`", "{"..."~": true
    default: false
    }
  }
}

extension [Unicode.Scalar] {
  /// With pairs of neighbours that fit put differently; a pair begins behind the one before.
  fileprivate func pairs(
    where fits: (Unicode.Scalar, Unicode.Scalar) -> Bool,
    with new: (Unicode.Scalar, Unicode.Scalar) -> [Unicode.Scalar]
  ) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var i = 0
    while i < count {
      if i + 1 < count, fits(self[i], self[i + 1]) {
        result += new(self[i], self[i + 1])
        i += 2
      } else {
        result.append(self[i])
        i += 1
      }
    }
    return result
  }
}

/// Numbers as people read them: one form for each kind of quantity, on every page and line.
///
/// Number and unit are joined by a no-break space; a terminal replaces it by a plain one.
/// What is missing or not a number is an en dash, never 0.
public enum Wording {
  /// The no-break space between number and unit.
  static let gap = "\u{A0}"

  /// The sign of a missing value.
  public static let missing = "–"

  /// A length of time: `9.7 ms`, `24 s`, `8 min 10 s`, `1 h 12 min`.
  public static func duration(_ seconds: Double?) -> String {
    guard let seconds, seconds.isFinite, seconds >= 0 else { return missing }
    if seconds < 0.9995 {
      let milliseconds = seconds * 1000
      return fixed(milliseconds, digits: milliseconds < 9.95 ? 1 : 0) + gap + "ms"
    }
    if seconds < 9.95 { return fixed(seconds, digits: 1) + gap + "s" }
    let whole = Int(min(seconds, 1e12).rounded())
    if whole < 100 { return "\(whole)\(gap)s" }
    if whole < 3600 {
      return whole % 60 == 0
        ? "\(whole / 60)\(gap)min" : "\(whole / 60)\(gap)min \(whole % 60)\(gap)s"
    }
    let minutes = (whole + 30) / 60
    return minutes % 60 == 0
      ? "\(count(minutes / 60))\(gap)h"
      : "\(count(minutes / 60))\(gap)h \(minutes % 60)\(gap)min"
  }

  /// An amount of memory or storage in powers of ten: `412 MB`, `1.3 GB`.
  public static func bytes(_ bytes: Int?) -> String {
    guard let bytes, bytes >= 0 else { return missing }
    return scaled(Double(bytes), units: ["B", "kB", "MB", "GB", "TB"], tenthsBelow: 9.95)
  }

  /// A number of parameters: `71 k`, `1.2 M`.
  public static func parameters(_ count: Int?) -> String {
    guard let count, count >= 0 else { return missing }
    return scaled(Double(count), units: ["", "k", "M", "G", "T"], tenthsBelow: 99.95)
  }

  /// A whole number with a comma between thousands.
  public static func count(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return number < 0 ? "−" + text : text
  }

  /// A speed: `103 steps/s`, `0.25 steps/s`.
  public static func rate(_ perSecond: Double?, _ things: String) -> String {
    guard let perSecond, perSecond.isFinite, perSecond >= 0 else { return missing }
    let digits = perSecond >= 9.95 ? 0 : perSecond >= 0.995 ? 1 : 2
    let number =
      digits == 0 ? count(Int(min(perSecond, 1e15).rounded())) : fixed(perSecond, digits: digits)
    return number + gap + things + "/s"
  }

  /// A share as a whole percentage, `58%`; it says 100% only when all is done.
  public static func percent(_ done: Int, of all: Int) -> String {
    guard all > 0 else { return missing }
    let share = Double(done) / Double(all) * 100
    return "\(Int(max(0, done < all ? min(99, share.rounded()) : 100)))%"
  }

  /// A measured value without its unit, with the decimals that the unit deserves: bits and nats 2,
  /// mean squares 3, percentages 1, anything else three significant digits.
  public static func value(_ value: Double?, unit: String) -> String {
    guard let value, value.isFinite else { return missing }
    guard let digits = decimals(of: unit) else { return significant(value) }
    if value != 0, abs(value) < 0.5 * power(of: -digits) { return significant(value) }
    if abs(value) >= 1e6 { return significant(value) }
    return signed(value) { fixed($0, digits: digits) } + (unit == "%" ? "%" : "")
  }

  /// A measured value with its unit: `2.88 bits/dim`, `82.4%`.
  public static func quantity(_ value: Double?, unit: String) -> String {
    let number = Wording.value(value, unit: unit)
    return number == missing || unit == "%" || unit.isEmpty ? number : number + gap + unit
  }

  /// An uncertainty: ` ± 0.35`, with the decimals of its value.
  static func uncertainty(_ error: Double, unit: String) -> String {
    "±" + gap + value(abs(error), unit: unit)
  }

  /// A number of three significant digits; very small and very large ones as `8.2 × 10⁻⁴`.
  public static func significant(_ value: Double) -> String {
    guard value.isFinite else { return missing }
    guard value != 0 else { return "0" }
    return signed(value) { size in
      var exponent = exponentOfTen(size)
      if exponent < -3 || exponent >= 6 {
        var factor = fixed(size / power(of: exponent), digits: 1)
        if factor == "10.0" {
          factor = "1.0"
          exponent += 1
        }
        return factor + gap + "×" + gap + "10" + superscript(exponent)
      }
      if exponent >= 3 { return count(Int(size.rounded())) }
      return fixed(size, digits: max(0, 2 - exponent))
    }
  }

  /// A moment in UTC as `24 November 2026, 07:50 UTC`.
  public static func date(_ secondsSince1970: Int) -> String {
    let moment = Moment(secondsSince1970: secondsSince1970)
    return "\(moment.day)\(gap)\(Moment.months[moment.month - 1]) \(moment.year), "
      + "\(moment.clock.prefix(5))\(gap)UTC"
  }

  /// A small number in words, for titles: `Nine`; from 21 in digits.
  static func spelled(_ number: Int) -> String {
    let words = [
      "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
      "Eleven", "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen",
      "Nineteen", "Twenty",
    ]
    return words.indices.contains(number) ? words[number] : count(number)
  }

  private static func decimals(of unit: String) -> Int? {
    if unit == "%" { return 1 }
    if unit.contains("bits") || unit.contains("nats") { return 2 }
    return unit.contains("mean square") ? 3 : nil
  }

  private static func signed(_ value: Double, _ text: (Double) -> String) -> String {
    (value < 0 ? "−" : "") + text(abs(value))
  }

  private static func scaled(_ amount: Double, units: [String], tenthsBelow: Double) -> String {
    var amount = amount
    var unit = 0
    while amount >= 999.5, unit < units.count - 1 {
      amount /= 1000
      unit += 1
    }
    let digits = unit > 0 && amount < (unit == 1 ? 9.95 : tenthsBelow) ? 1 : 0
    return fixed(amount, digits: digits) + (units[unit].isEmpty ? "" : gap + units[unit])
  }

  private static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let text = String(number.magnitude).compactMap(\.wholeNumberValue).map { digits[$0] }
    return (number < 0 ? "⁻" : "") + String(text)
  }
}

/// A number that is not negative with exactly `digits` decimals, rounded half away from zero.
func fixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return Wording.missing }
  let scale = power(of: digits)
  let whole = (abs(value) * scale).rounded()
  guard whole < 9e15 else { return String(abs(value)) }
  let digitsOfAll = String(Int(whole))
  guard digits > 0 else { return digitsOfAll }
  let padded = String(repeating: "0", count: max(0, digits + 1 - digitsOfAll.count)) + digitsOfAll
  return padded.dropLast(digits) + "." + padded.suffix(digits)
}

/// Ten to a whole power.
func power(of exponent: Int) -> Double {
  var result = 1.0
  for _ in 0..<min(308, exponent.magnitude) { result *= 10 }
  return exponent < 0 ? 1 / result : result
}

/// The exponent of ten of a positive number: 2 for 100 to 999.
func exponentOfTen(_ size: Double) -> Int {
  guard size > 0, size.isFinite else { return 0 }
  var exponent = 0
  var rest = size
  while rest >= 10, exponent < 308 {
    rest /= 10
    exponent += 1
  }
  while rest < 1, exponent > -308 {
    rest *= 10
    exponent -= 1
  }
  return exponent
}

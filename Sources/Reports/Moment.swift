/// A moment of the Gregorian calendar in UTC.
struct Moment {
  var year, month, day, hour, minute, second: Int

  static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  /// The moment so many seconds after 1970 began.
  ///
  /// Days are counted from 1 March of the year 0, so that the leap day ends a year.
  init(secondsSince1970 seconds: Int) {
    // Within a million years, so that no sum below leaves its range.
    let seconds = max(-32_000_000_000_000, min(32_000_000_000_000, seconds))
    let dayNumber = Moment.quotient(seconds, 86_400)
    let secondOfDay = seconds - dayNumber * 86_400
    let days = dayNumber + 719_468
    let era = Moment.quotient(days, 146_097)
    let dayOfEra = days - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    (hour, minute, second) = (secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60)
  }

  /// `07:50:31`.
  var clock: String { "\(Moment.two(hour)):\(Moment.two(minute)):\(Moment.two(second))" }

  /// `2026-11-24T07:50:31Z`.
  var machineReadable: String { "\(year)-\(Moment.two(month))-\(Moment.two(day))T\(clock)Z" }

  private static func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }

  private static func quotient(_ number: Int, _ divisor: Int) -> Int {
    number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor)
  }
}

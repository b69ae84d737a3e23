/// A text that comes in pieces, up to the first of its stop strings.
///
/// What may be the beginning of a stop string is held back until it is one or is none.
public struct TextBeforeStop: Sendable {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  /// Whether a stop string has come: nothing comes behind it.
  public private(set) var isStopped = false

  /// - Parameter stops: empty ones stop nothing.
  public init(_ stops: [String]) {
    self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
  }

  /// Takes the next piece of whole characters and gives what is certain now; often nothing.
  public mutating func append(_ piece: String) -> String {
    guard !isStopped else { return "" }
    held += piece.utf8
    let end: Int
    if let found = stops.compactMap({ held.firstPlace(of: $0) }).min() {
      isStopped = true
      end = found
    } else {
      end = held.count - (stops.map { held.overlap(with: $0) }.max() ?? 0)
    }
    defer { held = isStopped ? [] : Array(held[end...]) }
    return String(decoding: held[..<end], as: UTF8.self)
  }

  /// What was held back: it began like a stop string, and the text has ended.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }
}

extension [UInt8] {
  fileprivate func firstPlace(of other: [UInt8]) -> Int? {
    guard count >= other.count else { return nil }
    return (0...(count - other.count)).first { self[$0...].starts(with: other) }
  }

  /// The length of the longest end that is a beginning of the other and not all of it.
  fileprivate func overlap(with other: [UInt8]) -> Int {
    (0...Swift.min(count, other.count - 1)).last { suffix($0).elementsEqual(other.prefix($0)) } ?? 0
  }
}

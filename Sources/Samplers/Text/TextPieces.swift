/// Text out of tokens that come one after the other: pieces that are whole characters, up to a stop string.
///
/// Tokens may end within a character, and what stands before a token may change how it reads; so a piece is what the last
/// tokens give together less what they gave before. Text that may be the beginning of a stop string is held back.
public struct TextPieces: Sendable {
  private let decode: @Sendable ([Int]) -> [UInt8]
  private let stops: [[UInt8]]
  private var tokens: [Int] = []
  /// The tokens from here on are decoded.
  private var first = 0
  /// The tokens before this one have been given.
  private var given = 0
  private var held: [UInt8] = []
  /// Whether a stop string has come: nothing comes behind it.
  public private(set) var isStopped = false

  /// - Parameter decode: the bytes of tokens.
  public init(stops: [String] = [], decode: @escaping @Sendable ([Int]) -> [UInt8]) {
    self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    self.decode = decode
  }

  /// What the next token adds; often nothing.
  public mutating func append(_ token: Int) -> String {
    guard !isStopped else { return "" }
    tokens.append(token)
    let before = decode(Array(tokens[first..<given]))
    let now = decode(Array(tokens[first...]))
    guard now.count > before.count, now.endsWithCharacter else { return "" }
    held += now[before.count...]
    (first, given) = (given, tokens.count)
    return release()
  }

  /// What was held back.
  public mutating func finish() -> String {
    guard !isStopped else { return "" }
    let before = decode(Array(tokens[first..<given]))
    held += decode(Array(tokens[first...])).dropFirst(before.count)
    (first, given) = (tokens.count, tokens.count)
    let text = release()
    defer { held = [] }
    return isStopped ? text : text + String(decoding: held, as: UTF8.self)
  }

  /// Gives what is before the first stop string and cannot be the beginning of one.
  private mutating func release() -> String {
    let found = stops.compactMap { held.firstPlace(of: $0) }.min()
    let end: Int
    if let found {
      isStopped = true
      end = found
    } else {
      end = held.count - (stops.map { held.overlap(with: $0) }.max() ?? 0)
    }
    defer { held = isStopped ? [] : Array(held[end...]) }
    return String(decoding: held[..<end], as: UTF8.self)
  }
}

/// Whether a text has a stop string behind its prompt: for searches that end texts whole.
public struct StopStrings: Sendable {
  private let decode: @Sendable ([Int]) -> [UInt8]
  private let stops: [[UInt8]]

  public init(_ stops: [String], decode: @escaping @Sendable ([Int]) -> [UInt8]) {
    self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    self.decode = decode
  }

  public func callAsFunction(_ text: TokenHistory) -> Bool {
    guard !stops.isEmpty else { return false }
    let bytes = decode(Array(text.continuation))
    return stops.contains { bytes.firstPlace(of: $0) != nil }
  }
}

extension [UInt8] {
  /// Whether the bytes end with a whole character of UTF-8, or with what is none.
  fileprivate var endsWithCharacter: Bool {
    for (behind, byte) in reversed().prefix(4).enumerated() where byte & 0xC0 != 0x80 {
      let length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF8 ? 4 : 1
      return behind + 1 >= length
    }
    return true
  }

  fileprivate func firstPlace(of other: [UInt8]) -> Int? {
    guard count >= other.count else { return nil }
    return (0...(count - other.count)).first { self[$0..<($0 + other.count)].elementsEqual(other) }
  }

  /// The length of the longest end that is a beginning of the other.
  fileprivate func overlap(with other: [UInt8]) -> Int {
    (1..<Swift.max(2, Swift.min(count + 1, other.count))).reversed()
      .first { suffix($0).elementsEqual(other.prefix($0)) && $0 <= count && $0 < other.count } ?? 0
  }
}

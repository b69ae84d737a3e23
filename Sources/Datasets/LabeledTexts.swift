internal import Documents

/// Texts, each of one class.
public struct LabeledTexts: Equatable, Sendable {
  public let texts: [String]
  /// The class of each text, an index into `classNames`.
  public let labels: [Int]
  /// In the order of their bytes.
  public let classNames: [String]

  public var count: Int { texts.count }

  public init(_ pairs: [(text: String, label: String)]) {
    classNames = Set(pairs.map(\.label)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let places = Dictionary(uniqueKeysWithValues: zip(classNames, classNames.indices))
    texts = pairs.map(\.text)
    labels = pairs.map { places[$0.label]! }
  }

  private init(texts: [String], labels: [Int], classNames: [String]) {
    (self.texts, self.labels, self.classNames) = (texts, labels, classNames)
  }

  /// The texts of some places, with all classes.
  public subscript(places: [Int]) -> LabeledTexts {
    LabeledTexts(
      texts: places.map { texts[$0] }, labels: places.map { labels[$0] }, classNames: classNames)
  }

  /// Reads a file `.jsonl`, an object with "text" and "label" on every line, or `.csv`, whose first line names these
  /// columns among others. Labels may be words or whole numbers.
  /// - Throws: `DatasetError` with the line at fault.
  public init(contentsOf path: String) throws(DatasetError) {
    let bytes = try contents(of: path)
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .damaged(path: path, reason: "not UTF-8 text; convert it, for example with iconv")
    }
    let pairs =
      path.lowercased().hasSuffix(".csv")
      ? try Self.table(bytes, path) : try Self.objects(bytes, path)
    guard !pairs.isEmpty else { throw .damaged(path: path, reason: "no text with a label in it") }
    self.init(pairs)
  }

  private static func objects(_ bytes: [UInt8], _ path: String) throws(DatasetError)
    -> [(text: String, label: String)]
  {
    var pairs: [(String, String)] = []
    var number = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      guard let object = try? JSONValue(parsing: Array(line)), let text = object["text"]?.string,
        let label = object["label"]?.string ?? object["label"]?.integer.map({ "\($0)" })
      else {
        throw .damaged(
          path: path,
          reason: #"line \#(number) is no object such as {"text": "so good", "label": "praise"}"#)
      }
      pairs.append((text, label))
    }
    return pairs
  }

  private static func table(_ bytes: [UInt8], _ path: String) throws(DatasetError)
    -> [(text: String, label: String)]
  {
    let rows = rows(bytes)
    guard let head = rows.first, let text = head.firstIndex(of: "text"),
      let label = head.firstIndex(of: "label")
    else {
      throw .damaged(
        path: path, reason: "its first line does not name the columns \"text\" and \"label\"")
    }
    var pairs: [(String, String)] = []
    for (number, row) in rows.enumerated().dropFirst() where row != [""] {
      guard row.count == head.count else {
        throw .damaged(
          path: path,
          reason: "row \(number + 1) has \(row.count) columns, the first line \(head.count)")
      }
      pairs.append((row[text], row[label]))
    }
    return pairs
  }

  /// The fields of every row (RFC 4180): in quotes commas and ends of lines are text, and two quotes are one.
  private static func rows(_ bytes: [UInt8]) -> [[String]] {
    let (quote, comma, newline) = (UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: "\n"))
    var (rows, row, field): ([[String]], [String], [UInt8]) = ([], [], [])
    var isQuoted = false
    func closed() -> String {
      defer { field = [] }
      return String(decoding: field, as: UTF8.self)
    }
    var place = bytes.startIndex
    while place < bytes.endIndex {
      let byte = bytes[place]
      switch byte {
      case quote where isQuoted && place + 1 < bytes.endIndex && bytes[place + 1] == quote:
        field.append(quote)
        place += 1
      case quote: isQuoted.toggle()
      case comma where !isQuoted: row.append(closed())
      case newline where !isQuoted:
        if field.last == 0x0D { field.removeLast() }
        rows.append(row + [closed()])
        row = []
      default: field.append(byte)
      }
      place += 1
    }
    if !field.isEmpty || !row.isEmpty { rows.append(row + [closed()]) }
    return rows
  }
}

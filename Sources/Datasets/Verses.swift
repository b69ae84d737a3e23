/// A verse of the Bible in two languages.
public struct Verse: Equatable, Sendable {
  /// The OSIS name of the book: "Gen", "Ruth", "Matt".
  public let book: String
  /// From 1.
  public let chapter, number: Int
  /// King James Version, 1769.
  public let english: String
  /// Reina-Valera, 1909.
  public let spanish: String

  /// Whether the verse belongs to the books kept for tests: verses near each other repeat
  /// phrases, so whole books are held out.
  public var isHeldOut: Bool { Verses.heldOutBooks.contains(book) }
}

/// 31,084 pairs of an English and a Spanish verse, both texts in the public domain.
public struct Verses: Sendable {
  /// In the order of the Bible.
  public let pairs: [Verse]
  public let source: DataSource

  /// The books kept for tests: Ruth, Jonah, Philippians, James.
  public static let heldOutBooks: Set<String> = ["Ruth", "Jonah", "Phil", "Jas"]

  /// Pairs to learn from.
  public var train: [Verse] { pairs.filter { !$0.isHeldOut } }
  /// Pairs to test with.
  public var test: [Verse] { pairs.filter(\.isHeldOut) }

  /// All verses in English, one a line.
  public var english: TextCorpus {
    TextCorpus(bytes: pairs.flatMap { Array($0.english.utf8) + [0x0A] }, source: source)
  }

  /// Reads both texts. Verses that one of them lacks are left out.
  /// - Throws: `DatasetError.missing`, or `.damaged` with the file at fault.
  public init(in places: DataPlaces = .standard) throws(DatasetError) {
    let folder = try DatasetEntry.verses.folders(in: places)[0]
    var pairs: [Verse] = []
    for testament in ["ot", "nt"] {
      let english = try SwordModule(contentsOf: folder + "/engKJV2006eb/" + testament).slots
      let spanish = try SwordModule(contentsOf: folder + "/spaRV1909eb/" + testament).slots
      guard english.count == spanish.count else {
        throw .damaged(
          path: folder + "/spaRV1909eb/\(testament).bzv",
          reason: "\(spanish.count) slots for the \(english.count) of the English text")
      }
      try pairs.append(contentsOf: Self.aligned(english, spanish, folder + "/…/" + testament))
    }
    self.pairs = pairs
    source = .files(folder: folder)
  }

  /// Both texts share a division: slot by slot. The headings of the English one name the book and
  /// chapter; between them every slot is the next verse.
  private static func aligned(
    _ english: [[UInt8]], _ spanish: [[UInt8]], _ path: String
  ) throws(DatasetError) -> [Verse] {
    var verses: [Verse] = []
    var place: (book: String, chapter: Int, number: Int)?
    for (left, right) in zip(english, spanish) {
      if OSIS.book(in: left) != nil { continue }
      if let heading = OSIS.chapter(in: left) {
        let parts = heading.split(separator: ".")
        guard parts.count == 2, let chapter = Int(parts[1]) else {
          throw .damaged(path: path, reason: "a chapter called \"\(heading)\"")
        }
        place = (String(parts[0]), chapter, 0)
        continue
      }
      guard var current = place else { continue }
      current.number += 1
      place = current
      let texts = (OSIS.text(of: left), OSIS.text(of: right))
      if texts.0.isEmpty || texts.1.isEmpty { continue }
      verses.append(
        Verse(
          book: current.book, chapter: current.chapter, number: current.number,
          english: texts.0, spanish: texts.1))
    }
    return verses
  }
}

internal import Foundation
public import Images

/// The picture of an emoji with what people call it.
public struct EmojiPicture: Equatable, Sendable {
  public let scalar: Unicode.Scalar
  /// The short name in CLDR, such as "red apple".
  public let name: String
  /// Words that find it, such as "apple", "fruit", "red".
  public let keywords: [String]
  /// Square, red, green and blue, on white.
  public let picture: Image
  /// Whether it is kept for tests: the FNV-1a sum (64 bits) of the name is a multiple of 10.
  /// By name, because variants of one name look alike.
  public let isHeldOut: Bool
}

/// The 1,367 emoji of one code point that Noto Color Emoji draws and CLDR names.
public struct EmojiPictures: Sendable {
  /// In the order of their code points.
  public let entries: [EmojiPicture]
  public let source: DataSource

  public var train: [EmojiPicture] { entries.filter { !$0.isHeldOut } }
  public var test: [EmojiPicture] { entries.filter(\.isHeldOut) }

  /// Draws the emoji: 136x128 pixels on white, padded to a square, box-resized to `size`.
  /// - Parameters:
  ///   - size: pixels of an edge, 1 to 1,024.
  ///   - language: the locale of the names, such as "es"; the test split stays that of the
  ///     English names.
  /// - Throws: `DatasetError.missing`, `.damaged`, or `.argument` for a size or language that is
  ///   not there.
  public init(
    size: Int = 64, language: String = "en", in places: DataPlaces = .standard
  ) throws(DatasetError) {
    guard (1...1024).contains(size) else {
      throw .argument(reason: "emoji pictures have 1 to 1024 pixels an edge, not \(size)")
    }
    guard language.utf8.allSatisfy({ $0 == 0x5F || $0 >= 0x30 && $0 <= 0x7A }) else {
      throw .argument(reason: "\"\(language)\" is no name of a locale, such as \"en\" or \"es\"")
    }
    let folders = try DatasetEntry.emoji.folders(in: places)
    let englishNames = try CLDRAnnotations(contentsOf: folders[1] + "/en.xml")
    let names =
      language == "en"
      ? englishNames : try CLDRAnnotations(contentsOf: folders[1] + "/\(language).xml")
    let fontPath = folders[0] + "/NotoColorEmoji.ttf"
    do {
      let font = try ColorFont(contentsOf: fontPath)
      entries = names.names.keys.sorted { $0.value < $1.value }.compactMap { scalar in
        guard let name = names.names[scalar], let picture = font.picture(of: scalar) else {
          return nil
        }
        let edge = max(picture.width, picture.height)
        let square = picture.padded(width: edge, height: edge, color: [255])
        return EmojiPicture(
          scalar: scalar, name: name, keywords: names.keywords[scalar] ?? [],
          picture: square.resized(width: size, height: size, filter: .box),
          isHeldOut: fnv1a(englishNames.names[scalar] ?? name) % 10 == 0)
      }
    } catch {
      throw .damaged(path: fontPath, reason: error.explanation)
    }
    source = .files(folder: folders[0])
  }
}

extension EmojiPictures {
  /// Classes of emoji, each called by a keyword: an emoji's class is the one of its keywords that most emoji have, of words
  /// that are equally frequent the last in the alphabet; words that fewer than `least` have make no class.
  /// - Returns: the names, and for each of `entries` its class, nil where it has none.
  public func classes(ofAtLeast least: Int) -> (names: [String], labels: [Int?]) {
    var counts: [String: Int] = [:]
    for entry in entries { for word in Set(entry.keywords) { counts[word, default: 0] += 1 } }
    let words = entries.map { entry in
      entry.keywords.max { (counts[$0]!, $0) < (counts[$1]!, $1) }
        .flatMap { counts[$0]! < least ? nil : $0 }
    }
    let names = Set(words.compactMap(\.self)).sorted()
    return (names, words.map { word in word.flatMap { names.firstIndex(of: $0) } })
  }
}

/// The names and keywords that a CLDR file of annotations gives to single code points.
struct CLDRAnnotations {
  private(set) var names: [Unicode.Scalar: String] = [:]
  private(set) var keywords: [Unicode.Scalar: [String]] = [:]

  init(contentsOf path: String) throws(DatasetError) {
    let bytes = try contents(of: path)
    // Every entry is one element without children: <annotation cp="…" type="tts">…</annotation>
    for part in bytes.split(separator: UInt8(ascii: "<"))
    where part.starts(with: "annotation ".utf8) {
      guard let end = part.firstIndex(of: UInt8(ascii: ">")) else { continue }
      let tag = part[..<end]
      guard let written = attribute("cp", in: tag) else { continue }
      let scalars = String(decoding: withoutEntities(written), as: UTF8.self).unicodeScalars
      let text = String(decoding: withoutEntities(part[(end + 1)...]), as: UTF8.self)
      guard scalars.count == 1, let scalar = scalars.first, !text.isEmpty else { continue }
      if attribute("type", in: tag)?.elementsEqual("tts".utf8) == true {
        names[scalar] = text
      } else {
        keywords[scalar] = text.components(separatedBy: "|").map {
          $0.trimmingCharacters(in: .whitespaces)
        }
      }
    }
    if names.isEmpty { throw .damaged(path: path, reason: "no name of a character in it") }
  }
}

/// The FNV-1a sum of the text in UTF-8, 64 bits.
func fnv1a(_ text: String) -> UInt64 {
  text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

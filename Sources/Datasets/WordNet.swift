internal import CEmbedded
internal import Images

/// WordNet 3.0, a lexicon of English (Princeton University).
public enum WordNet {
  /// The definitions and examples of all 117,659 meanings, one a line: nouns, verbs, adjectives,
  /// adverbs. Without the files, and if allowed, the part inside the program: every 30th of them.
  public static func glosses(
    in places: DataPlaces = .standard, orEmbedded: Bool = true
  ) throws(DatasetError) -> TextCorpus {
    let entry = DatasetEntry.wordNet
    let folder: String
    do {
      folder = try entry.folders(in: places)[0]
    } catch {
      guard orEmbedded else { throw error }
      return try embeddedGlosses(entry)
    }
    var bytes: [UInt8] = []
    for part in ["noun", "verb", "adj", "adv"] {
      let path = folder + "/data." + part
      let before = bytes.count
      try appendGlosses(of: contents(of: path), path: path, to: &bytes)
      if bytes.count == before { throw .damaged(path: path, reason: "no gloss in it") }
    }
    return TextCorpus(bytes: bytes, source: .files(folder: folder))
  }

  /// A line that begins with two spaces is the licence; in others the gloss follows "| ".
  private static func appendGlosses(
    of content: [UInt8], path: String, to bytes: inout [UInt8]
  ) throws(DatasetError) {
    let (space, newline, bar) = (UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "|"))
    var number = 0
    for line in content.split(separator: newline, omittingEmptySubsequences: false) {
      number += 1
      if line.isEmpty || line.starts(with: [space, space]) { continue }
      guard let start = line.firstIndex(of: bar) else {
        throw .damaged(path: path, reason: "line \(number) has no gloss after \"|\"")
      }
      var gloss = line[(start + 1)...].drop { $0 == space }
      while gloss.last == space || gloss.last == 0x0D { gloss.removeLast() }
      bytes += gloss
      bytes.append(newline)
    }
  }

  private static func embeddedGlosses(_ entry: DatasetEntry) throws(DatasetError) -> TextCorpus {
    let source = "embedded WordNet"
    do {
      let bytes = try Gzip.inflate(
        unsafe embedded(apus_wordnet_glosses()), limit: 1 << 24, source: source)
      return TextCorpus(
        bytes: bytes,
        source: .embedded(
          note: "every 30th gloss of WordNet, which come with Apus; all of them: "
            + entry.howToGet))
    } catch {
      throw .damaged(path: source, reason: error.explanation)
    }
  }
}

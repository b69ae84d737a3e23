internal import Foundation

/// The candidates that the training of a unigram model begins with: all characters, and all
/// texts inside words that are there more than once and are not always followed by the same.
enum SeedPieces {
  static func find(in words: [CountedWord], _ settings: UnigramSettings) -> [UnigramPiece] {
    var counts: [UInt32: Int] = [:]
    for word in words { for scalar in word.scalars { counts[scalar, default: 0] += word.count } }
    let characters = counts.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key > $1.key
    }
    var seeds = characters.map { (scalars: [$0.key], score: Double($0.value)) }
    let repeated = repeatedTexts(in: words, most: settings.maximumTokenLength).sorted {
      $0.score != $1.score
        ? $0.score > $1.score : $1.scalars.lexicographicallyPrecedes($0.scalars)
    }
    seeds += repeated.prefix(max(settings.seedCount - seeds.count, 0))
    let logarithm = log(seeds.reduce(0) { $0 + $1.score })
    return seeds.map { seed in
      var text: [UInt8] = []
      for scalar in seed.scalars { UTF8Text.append(scalar, to: &text) }
      return UnigramPiece(text: text, score: log(seed.score) - logarithm)
    }
  }

  /// The inner nodes of the suffix tree of all words, each word once: texts and how often they are
  /// there times their lengths.
  private static func repeatedTexts(
    in words: [CountedWord], most: Int
  ) -> [(scalars: [UInt32], score: Double)] {
    // All words in a row, each with a zero behind it.
    var flat: [UInt32] = []
    for word in words where !word.scalars.isEmpty { flat += word.scalars + [0] }
    var suffixes: [Int32] = []
    for (index, scalar) in flat.enumerated() where scalar != 0 { suffixes.append(Int32(index)) }
    // More than the longest text is not looked at, but for what follows it.
    func precedes(_ a: Int32, _ b: Int32) -> Bool {
      var (a, b) = (Int(a), Int(b))
      for _ in 0...most {
        if flat[a] != flat[b] { return flat[a] < flat[b] }
        if flat[a] == 0 { return false }
        (a, b) = (a + 1, b + 1)
      }
      return false
    }
    suffixes.sort(by: precedes)
    /// How many scalars two suffixes share, with the zero of equal ends.
    func shared(_ a: Int32, _ b: Int32) -> Int {
      var count = 0
      let (a, b) = (Int(a), Int(b))
      while count <= most, flat[a + count] == flat[b + count] {
        count += 1
        if flat[a + count - 1] == 0 { break }
      }
      return count
    }
    var found: [(scalars: [UInt32], score: Double)] = []
    var open: [(length: Int, start: Int)] = [(0, 0)]
    for index in 1..<max(suffixes.count + 1, 1) {
      let length = index < suffixes.count ? shared(suffixes[index - 1], suffixes[index]) : 0
      var start = index - 1
      while let top = open.last, top.length > length {
        open.removeLast()
        start = top.start
        let place = Int(suffixes[start])
        let text = flat[place..<min(place + top.length, flat.count)]
        if top.length >= 2, top.length <= most, !text.contains(0) {
          found.append((Array(text), Double((index - start) * top.length)))
        }
      }
      if let top = open.last, top.length < length { open.append((length, start)) }
    }
    return found
  }
}

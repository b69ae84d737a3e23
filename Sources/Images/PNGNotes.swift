extension Image {
  /// The most bytes of text that are read out of a PNG file.
  static let maximumNoteBytes = 1 << 20

  /// The texts that a PNG file carries beside its pixels, by their keys: what `pngData(text:)` stored. Of repeated keys the
  /// first counts. Compressed texts are left out, as are those behind the first megabyte of text.
  /// - Throws: `ImageError` where the bytes are no PNG file or end within a chunk.
  public static func notes(
    ofPNG bytes: [UInt8], source: String = "picture"
  ) throws(ImageError) -> [String: String] {
    guard ImageFormat(of: bytes) == .png else { throw .unrecognized(source: source) }
    var notes: [String: String] = [:]
    var (place, room) = (8, maximumNoteBytes)
    while bytes.count - place >= 12 {
      let length = bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - place - 12 else {
        throw .truncated(source: source, reason: "a chunk is longer than the file")
      }
      let kind = String(decoding: bytes[(place + 4)..<(place + 8)], as: UTF8.self)
      if kind == "IEND" { return notes }
      let content = bytes[(place + 8)..<(place + 8 + length)]
      if kind == "tEXt" || kind == "iTXt", length <= room,
        let (key, text) = note(content, isInternational: kind == "iTXt")
      {
        room -= length
        if notes[key] == nil { notes[key] = text }
      }
      place += 12 + length
    }
    throw .truncated(source: source, reason: "the file has no end")
  }

  /// A chunk's key and text; nil where it is compressed or malformed.
  private static func note(
    _ content: ArraySlice<UInt8>, isInternational: Bool
  ) -> (key: String, text: String)? {
    guard let end = content.firstIndex(of: 0), (1...79).contains(end - content.startIndex) else {
      return nil
    }
    let key = latin(content[..<end])
    var rest = content[(end + 1)...]
    guard isInternational else { return (key, latin(rest)) }
    // Two bytes about compression, then the language and the translated key, both ended by a zero.
    guard rest.count >= 2, rest[rest.startIndex] == 0 else { return nil }
    rest = rest.dropFirst(2)
    for _ in 0..<2 {
      guard let end = rest.firstIndex(of: 0) else { return nil }
      rest = rest[(end + 1)...]
    }
    return (key, String(decoding: rest, as: UTF8.self))
  }

  /// Text of Latin-1, whose bytes are its scalars.
  private static func latin(_ bytes: ArraySlice<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
  }
}

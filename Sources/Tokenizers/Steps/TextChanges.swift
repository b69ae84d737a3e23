// The changes that normalizers and pre-tokenizers make to text.

extension AlignedText {
  /// Without the characters that are not to be kept.
  func filtered(_ keeps: (UInt32) -> Bool) -> AlignedText {
    mapped { keeps($0) ? $0 : nil }
  }

  /// With every character replaced or, for nil, left out.
  private func mapped(_ map: (UInt32) -> UInt32?) -> AlignedText {
    var builder = TextBuilder(self)
    var place = 0
    while place < bytes.count {
      let character = UTF8Text.character(at: place, in: bytes)
      let new = map(character.value)
      if new != character.value {
        builder.keep(to: place)
        if let new {
          builder.append(new, change: 0)
        } else {
          builder.skip(to: place + character.length)
        }
      }
      place += character.length
    }
    builder.keep(to: place)
    return builder.finish()
  }

  func lowercased() -> AlignedText {
    if UTF8Text.isASCII(bytes) {
      var text = self
      text.replaceBytes { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
      return text
    }
    var builder = TextBuilder(self)
    var place = 0
    while place < bytes.count {
      let character = UTF8Text.character(at: place, in: bytes)
      if let scalar = UnicodeScalar(character.value), scalar.properties.changesWhenLowercased {
        builder.keep(to: place)
        for (index, lower) in scalar.properties.lowercaseMapping.unicodeScalars.enumerated() {
          builder.append(lower.value, change: index > 0 ? 1 : 0)
        }
      }
      place += character.length
    }
    builder.keep(to: place)
    return builder.finish()
  }

  /// BERT's cleaning: no controls, every kind of space a space.
  func cleaned() -> AlignedText {
    if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) { return self }
    return mapped { value in
      if value == 9 || value == 10 || value == 13 { return 0x20 }
      let classes = CharacterClass.of(value)
      if value == 0 || value == UTF8Text.replacement || classes.contains(.other) { return nil }
      return classes.contains(.space) ? 0x20 : value
    }
  }

  /// Spaces around every character of Chinese writing.
  func spacingHan() -> AlignedText {
    if bytes.allSatisfy({ $0 < 0xE3 }) { return self }
    var builder = TextBuilder(self)
    var place = 0
    while place < bytes.count {
      let character = UTF8Text.character(at: place, in: bytes)
      if Self.isHan(character.value) {
        builder.keep(to: place)
        builder.append(0x20, change: 0)
        builder.append(character.value, change: 1)
        builder.append(0x20, change: 1)
      }
      place += character.length
    }
    builder.keep(to: place)
    return builder.finish()
  }

  private static func isHan(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  func stripped(left: Bool, right: Bool) -> AlignedText {
    var (start, end) = (0, bytes.count)
    while left, start < end {
      let character = UTF8Text.character(at: start, in: bytes)
      guard CharacterClass.of(character.value).contains(.space) else { break }
      start += character.length
    }
    while right, end > start {
      let character = UTF8Text.character(before: end, in: bytes)
      guard CharacterClass.of(character.value).contains(.space) else { break }
      end -= character.length
    }
    if start == 0, end == bytes.count { return self }
    var builder = TextBuilder(self)
    builder.skip(to: start)
    builder.keep(to: end)
    return builder.finish()
  }

  /// SentencePiece's cleaning for machine translation.
  func forTranslation() -> AlignedText {
    mapped { value in
      switch value {
      case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: nil
      case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        0x20
      default: value
      }
    }
  }

  func replacing(_ pattern: Pattern, with content: [UInt8]) -> AlignedText {
    if case .text(let text) = pattern, text.count == 1, content.count == 1, text[0] < 0x80 {
      var result = self
      result.replaceBytes { $0 == text[0] ? content[0] : $0 }
      return result
    }
    var builder = TextBuilder(self)
    var isChanged = false
    pattern.forEachMatch(in: bytes, 0..<bytes.count) { match in
      builder.keep(to: match.lowerBound)
      builder.skip(to: match.upperBound)
      builder.insert(content)
      isChanged = true
    }
    if !isChanged { return self }
    builder.keep(to: bytes.count)
    return builder.finish()
  }

  /// With a text in front that stands for what the first character does.
  func prepending(_ prefix: [UInt8]) -> AlignedText {
    if bytes.isEmpty { return self }
    var builder = TextBuilder(self)
    builder.insert(prefix, standingFor: builder.spanHere)
    builder.keep(to: bytes.count)
    return builder.finish()
  }

  /// With GPT-2's visible character for every byte.
  func inByteAlphabet() -> AlignedText {
    var builder = TextBuilder(self)
    builder.keepInByteAlphabet(to: bytes.count)
    return builder.finish()
  }
}

extension TextBuilder {
  mutating func keepInByteAlphabet(to place: Int) {
    while cursor < place {
      insert(ByteAlphabet.characters[Int(old.bytes[cursor])], standingFor: spanHere)
      skip(to: cursor + 1)
    }
  }
}

/// Sentences with their translations, a row each.
public struct TranslationTable: Sendable, Equatable, Codable {
  public struct Row: Sendable, Equatable, Codable {
    public var source: String
    /// What the model wrote.
    public var translation: String
    /// What a person wrote.
    public var reference: String

    public init(source: String, translation: String, reference: String) {
      self.source = source
      self.translation = translation
      self.reference = reference
    }
  }

  public var rows: [Row]
  /// The tags of the languages, such as "en".
  public var sourceLanguage: String
  public var language: String
  /// Where the sentences are from.
  public var note: String

  public init(rows: [Row], sourceLanguage: String, language: String, note: String = "") {
    self.rows = rows
    self.sourceLanguage = sourceLanguage
    self.language = language
    self.note = note
  }
}

/// How much each word that a model wrote looked at each word of its source.
public struct AlignmentMap: Sendable, Equatable, Codable {
  public var source: [String]
  public var target: [String]
  /// For each word of the target the weights of the source's, whose sum is 1.
  public var weights: [[Float]]
  public var note: String

  public init(source: [String], target: [String], weights: [[Float]], note: String = "") {
    self.source = source
    self.target = target
    self.weights = weights.map { $0.map { $0.isFinite ? $0 : 0 } }
    self.note = note
  }
}

extension Figures {
  func translations(_ table: TranslationTable) -> HTML {
    let rows = table.rows.map { row -> HTML in
      "<tr><td lang=\"\(table.sourceLanguage)\">\(row.source)</td>"
        + "<td lang=\"\(table.language)\">\(row.translation)</td>"
        + "<td lang=\"\(table.language)\">\(row.reference)</td></tr>"
    }
    return framed(
      """
      <div class="trans" role="region" tabindex="0" aria-label="\(method.title): translations">\
      <table><thead><tr><th scope="col">Given</th><th scope="col">Written by the model</th>\
      <th scope="col">Reference</th></tr></thead><tbody>\(rows.joined())</tbody></table></div>
      """,
      sentences(["\(table.rows.count) sentences of middling length, not selected", table.note]))
  }

  func alignment(_ map: AlignmentMap) -> HTML {
    let heads = map.source.map { word -> HTML in "<th scope=\"col\">\(word)</th>" }
    let rows = zip(map.target, map.weights).map { word, weights -> HTML in
      let cells = weights.map { weight -> HTML in
        "<td style=\"--p:\(100 * Double(max(0, min(1, weight))), digits: 0)\"></td>"
      }
      return "<tr><th scope=\"row\">\(word)</th>\(cells.joined())</tr>"
    }
    return framed(
      """
      <div class="conf align" role="region" tabindex="0" aria-label="\(method.title): where the \
      model looked for each word"><table><thead><tr><td></td>\(heads.joined())</tr></thead>\
      <tbody>\(rows.joined())</tbody></table></div>
      """,
      sentences([
        "Rows: what the model wrote. Columns: what it was given. The fuller the blue, the more it looked there",
        map.note,
      ]))
  }
}

/// The style sheet of every page: system fonts, two data colours, no outside reference.
///
/// The rules stand in three files for their length alone; their order matters.
enum Style {
  /// The whole sheet for a page whose families have the given identifiers.
  static func sheet(families: [String]) -> String {
    base + "\n" + cards + "\n" + media + "\n" + filter(families)
  }

  /// Choosing a family hides the other cards and fades the other rows, so that nothing above the
  /// reader's place changes its height.
  private static func filter(_ families: [String]) -> String {
    let hide = families.map {
      "body:has(#\($0):checked) .m:not(.\($0)){display:none}"
    }
    let fade = families.map {
      "body:has(#\($0):checked) tr.r:not(.\($0))>*{opacity:.35}"
    }
    return (hide + fade).joined(separator: "\n")
  }
}

import Foundation

/// The gallery as one self-contained page: a value in, a string out.
///
/// The same report always gives the same bytes: there is no clock, no random number and no order
/// of a dictionary inside. Nothing in the page points outside of it.
public enum GalleryPage {
  /// The size above which grids of samples are halved until the page fits.
  static let largestSize = 5_000_000

  /// The whole page, UTF-8, beginning with its document type.
  public static func html(_ report: GalleryReport) -> String {
    var thinning = 1
    while true {
      let page = page(report, thinning: thinning).markup
      if page.utf8.count <= largestSize || thinning >= 16 { return page }
      thinning *= 2
    }
  }

  private static func page(_ report: GalleryReport, thinning: Int) -> HTML {
    let names = PageNames(report)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
      media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"/>
      <title>Apus gallery</title>
      <link rel="icon" href="data:,"/>
      <style>
      \(HTML(markup: Style.sheet(families: names.families.map(\.id))))
      </style>
      </head>
      <body>
      <a class="skip" href="#methods">Skip to the methods</a>
      <div class="wrap">
      \(Head(report: report, names: names).markup)
      </div>
      <main>
      <div class="wrap">
      \(Table(report: report, names: names).markup)
      </div>
      \(filter(report, names))
      <div class="wrap" id="methods" tabindex="-1">
      <h2 class="sr">Methods</h2>
      <div class="cards">
      \(cards(report, names, thinning: thinning))
      </div>
      </div>
      </main>
      \(foot(report))
      <script>\(copyButtons)</script>
      </body>
      </html>

      """
  }

  private static func cards(_ report: GalleryReport, _ names: PageNames, thinning: Int) -> HTML {
    zip(report.methods, names.methods).map { method, name in
      Card(method: method, name: name, family: names.family(of: method), thinning: thinning).markup
    }.joined()
  }

  /// One radio group, worked by style alone; a single method needs none.
  private static func filter(_ report: GalleryReport, _ names: PageNames) -> HTML {
    guard report.methods.count > 1 else { return "" }
    let chips = names.families.map { family -> HTML in
      let count = report.methods.count { $0.family == family.name }
      return """
        <label><input type="radio" name="family" id="\(family.id)"/>\(family.name) \
        <span>\(count)</span></label>
        """
    }
    return """
      <div class="bar"><div class="wrap barrow"><form><fieldset><legend>Family</legend><label>\
      <input type="radio" name="family" id="all" checked=""/>All \
      <span>\(report.methods.count)</span></label>\(chips.joined())</fieldset></form>\
      <a href="#likelihood">Overview</a></div></div>
      """
  }

  private static func foot(_ report: GalleryReport) -> HTML {
    let sources: HTML = report.sources.isEmpty ? "" : "\n<p>\(report.sources)</p>"
    return """
      <footer><div class="wrap"><p>Made by <code>\(report.command)</code>. The same numbers for \
      programs: <code>\(report.location)</code>.</p>\(sources)</div></footer>
      """
  }

  /// The only script: buttons that copy a command. The page is whole without it.
  private static let copyButtons: HTML = """
    if (navigator.clipboard) for (const box of document.querySelectorAll('.cmd')) {
      const button = document.createElement('button')
      button.type = 'button'; button.textContent = 'Copy'
      button.setAttribute('aria-label', 'Copy the command')
      button.onclick = async () => {
        const code = box.querySelector('code')
        try {
          await navigator.clipboard.writeText(code.textContent)
          button.textContent = 'Copied'
        } catch {
          getSelection().selectAllChildren(code)
          button.textContent = 'Press Ctrl-C'
        }
        setTimeout(() => button.textContent = 'Copy', 1500)
      }
      box.append(button)
    }
    """
}

/// Identifiers of the page's parts, unique whatever the methods and families are called.
struct PageNames {
  /// The identifier of each method's card, in the order of the methods.
  let methods: [String]
  /// The families in the order in which they first appear, with the identifier of their chip.
  let families: [(name: String, id: String)]

  init(_ report: GalleryReport) {
    var taken: Set<String> = ["all", "likelihood", "methods"]
    func unique(_ wish: String) -> String {
      var name = wish
      var copy = 2
      while !taken.insert(name).inserted || !taken.insert("h-" + name).inserted {
        name = "\(wish)-\(copy)"
        copy += 1
      }
      return name
    }
    var families: [(name: String, id: String)] = []
    for method in report.methods where !families.contains(where: { $0.name == method.family }) {
      families.append((method.family, unique("f-" + PageNames.slug(method.family))))
    }
    self.families = families
    methods = report.methods.map { unique(PageNames.slug($0.recipe)) }
  }

  func family(of method: MethodReport) -> String {
    families.first { $0.name == method.family }?.id ?? ""
  }

  /// Letters a to z, digits and hyphens, beginning with a letter.
  private static func slug(_ text: String) -> String {
    var slug = ""
    for character in text.lowercased() {
      if character.isASCII, character.isLetter || character.isNumber {
        slug.append(character)
      } else if !slug.hasSuffix("-") {
        slug.append("-")
      }
    }
    return slug.first?.isLetter == true ? slug : "m-" + slug
  }
}

/// A file inside the page.
func dataURI(_ bytes: [UInt8], type: String) -> String {
  "data:\(type);base64," + Data(bytes).base64EncodedString()
}

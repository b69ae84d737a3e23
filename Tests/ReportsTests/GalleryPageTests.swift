import Foundation
import Reports
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What a strict reader finds in a page: every element with its attributes, all text.
private final class Reader: NSObject, XMLParserDelegate {
  var attributes: [(element: String, name: String, value: String)] = []
  var elements: [String] = []
  var text = ""
  var error: String?

  init(_ page: String) {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    if !parser.parse() {
      error = "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "unknown")"
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes dictionary: [String: String]
  ) {
    elements.append(name)
    for (key, value) in dictionary { attributes.append((name, key, value)) }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}

@Suite("The gallery page")
struct GalleryPageTests {
  @Test(
    "is well-formed for a strict parser with 0, 1, 9, 23 and 60 methods",
    arguments: [0, 1, 9, 23, 60])
  func wellFormed(count: Int) {
    let page = GalleryPage.html(SampleGallery.report(methods: count))
    let reader = Reader(page)
    #expect(reader.error == nil)
    #expect(reader.elements.filter { $0 == "article" }.count == count)
    #expect(page.utf8.count < 60_000 + 25_000 * count)
    write(page, "page-\(count).html")
  }

  @Test("shows every state, and every kind's word beside its mark")
  func states() {
    let report = SampleGallery.states()
    let page = GalleryPage.html(report)
    write(page, "states.html")
    let reader = Reader(page)
    #expect(reader.error == nil)
    for method in report.methods {
      #expect(reader.text.contains(method.title.replacing("\u{202E}", with: "⟨202E⟩")))
      #expect(reader.text.contains(method.status.word))
      if let failure = method.failure { #expect(reader.text.contains(failure.what)) }
    }
    for kind in ["exact", "upper bound", "estimate ±\u{A0}0.35"] {
      #expect(page.contains("<td class=\"wide kind\">\(kind)</td>"))
      #expect(page.contains("<small><b>\(kind)</b>"))
    }
    #expect(reader.text.contains("Step 3,480 of 6,000: 58%, 24\u{A0}s left"))
    #expect(reader.text.contains("No samples yet: the first are drawn at step 2,500."))
  }

  @Test("points to nothing outside of itself and names each part once")
  func isSelfContained() {
    let reader = Reader(GalleryPage.html(SampleGallery.states()))
    for attribute in reader.attributes {
      #expect(!attribute.value.lowercased().contains("http"), "\(attribute)")
      if ["src", "href"].contains(attribute.name) {
        #expect(attribute.value.hasPrefix("data:") || attribute.value.hasPrefix("#"))
      }
    }
    let names = reader.attributes.filter { $0.name == "id" }.map(\.value)
    #expect(Set(names).count == names.count)
    for link in reader.attributes where link.name == "href" && link.value.hasPrefix("#") {
      #expect(names.contains(String(link.value.dropFirst())), "\(link.value) leads nowhere")
    }
  }

  @Test("escapes what models and people write")
  func escapes() {
    let page = GalleryPage.html(SampleGallery.states())
    let reader = Reader(page)
    #expect(reader.elements.filter { $0 == "script" }.count == 1)
    #expect(reader.text.contains("<script>\"&'</script> שלום ⟨202E⟩"))
    #expect(reader.text.contains("b⟨E2⟩⟨82⟩c⟨1B⟩"))
    #expect(reader.text.contains("</li>⟨00⟩"))
    #expect(!page.contains("\u{202E}"))
  }

  @Test("is the same bytes from the same report, also by way of its JSON")
  func isDeterministic() throws {
    let report = SampleGallery.states()
    let page = GalleryPage.html(report)
    // Compared before the expectation, which would print both pages.
    let isSame = GalleryPage.html(SampleGallery.states()) == page
    let isSameByJSON = try GalleryPage.html(GalleryReport(json: report.json())) == page
    #expect(isSame && isSameByJSON)
  }

  @Test("counts failures in title, totals and plates, also when all fail")
  func allFailed() {
    var report = SampleGallery.report()
    report.methods = Array(repeating: SampleGallery.failed(), count: 3)
    let reader = Reader(GalleryPage.html(report))
    #expect(reader.error == nil)
    #expect(reader.text.contains("Three ways to generate, a minute of training each"))
    #expect(reader.text.contains("0 of 3"))
    #expect(reader.text.contains("3 failed"))
  }

  @Test("of one method has a title of its own and no filter")
  func oneMethod() {
    let reader = Reader(GalleryPage.html(SampleGallery.report(methods: 1)))
    #expect(reader.text.contains("One way to generate, a minute of training"))
    #expect(!reader.elements.contains("fieldset"))
  }

  @Test("halves the samples when it would be too large, and says so")
  func thins() {
    var report = SampleGallery.report()
    let many = SampleGallery.pictures(40, noise: 60, seed: 1, side: 64)
    report.methods = (0..<40).map { place in
      var method = report.methods[2]
      method.recipe = "m\(place)"
      method.figures = [.pictures(PictureGrid(pictures: many, subject: "shapes", seed: 1))]
      return method
    }
    let page = GalleryPage.html(report)
    #expect(page.utf8.count <= 5_000_000)
    #expect(page.contains("of 40 samples"))
    #expect(page.contains("left out to keep the page small"))
  }

  /// For looking at: pages are kept where `APUS_PAGES` names a folder.
  private func write(_ page: String, _ name: String) {
    guard let folder = ProcessInfo.processInfo.environment["APUS_PAGES"] else { return }
    try? page.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
  }
}

import Foundation
import Reports
import Testing

@Suite("Numbers in words")
struct WordingTests {
  private func plain(_ text: String) -> String { text.replacing("\u{A0}", with: " ") }

  @Test(
    "name a length of time",
    arguments: [
      (0.0097, "9.7 ms"), (0.5, "500 ms"), (1, "1.0 s"), (8.6, "8.6 s"), (24, "24 s"),
      (61, "61 s"), (99.6, "1 min 40 s"), (120, "2 min"), (490, "8 min 10 s"),
      (4320, "1 h 12 min"), (7200, "2 h"), (-1, "–"), (.nan, "–"), (.infinity, "–"),
      (3.6e6, "1,000 h"), (1e300, "277,777,778 h"),
    ] as [(Double, String)])
  func durations(seconds: Double, words: String) {
    if seconds < 1e12 { #expect(plain(Wording.duration(seconds)) == words) }
    #expect(!Wording.duration(seconds).isEmpty)
  }

  @Test("name amounts of memory and of parameters")
  func amounts() {
    #expect(plain(Wording.bytes(412_000_000)) == "412 MB")
    #expect(plain(Wording.bytes(1_300_000_000)) == "1.3 GB")
    #expect(plain(Wording.bytes(999_950_000)) == "1.0 GB")
    #expect(plain(Wording.bytes(12)) == "12 B")
    #expect(Wording.bytes(nil) == "–")
    #expect(plain(Wording.parameters(71_000)) == "71 k")
    #expect(plain(Wording.parameters(1_200_000)) == "1.2 M")
    #expect(plain(Wording.parameters(12_800_000)) == "12.8 M")
    #expect(plain(Wording.parameters(124_000_000)) == "124 M")
    #expect(plain(Wording.parameters(950)) == "950")
    #expect(plain(Wording.bytes(Int.max)).hasSuffix("TB"))
  }

  @Test("have commas from 1,000 and a true minus")
  func counts() {
    #expect(Wording.count(999) == "999")
    #expect(Wording.count(1204) == "1,204")
    #expect(Wording.count(-1_234_567) == "−1,234,567")
    #expect(Wording.count(Int.min) == "−9,223,372,036,854,775,808")
  }

  @Test("have the decimals that their unit deserves")
  func values() {
    #expect(Wording.value(2.876, unit: "bits/dim") == "2.88")
    #expect(Wording.value(-0.5, unit: "nats/point") == "−0.50")
    #expect(Wording.value(0.0312, unit: "mean square") == "0.031")
    #expect(Wording.value(82.44, unit: "%") == "82.4%")
    #expect(plain(Wording.value(8.2e-4, unit: "nats")) == "8.2 × 10⁻⁴")
    #expect(Wording.value(0, unit: "bits") == "0.00")
    #expect(Wording.value(.nan, unit: "bits") == "–")
    #expect(Wording.value(nil, unit: "bits") == "–")
    #expect(plain(Wording.quantity(2.88, unit: "bits/dim")) == "2.88 bits/dim")
    #expect(plain(Wording.significant(8.2e-4)) == "8.2 × 10⁻⁴")
    #expect(plain(Wording.significant(9.99e-5)) == "1.0 × 10⁻⁴")
    #expect(Wording.significant(0.213) == "0.213")
    #expect(Wording.significant(12_345) == "12,345")
    #expect(plain(Wording.significant(-3e12)) == "−3.0 × 10¹²")
    #expect(plain(Wording.rate(103.4, "steps")) == "103 steps/s")
    #expect(plain(Wording.rate(0.254, "steps")) == "0.25 steps/s")
  }

  @Test("name a moment as Foundation's calendar does")
  func dates() throws {
    #expect(plain(Wording.date(1_795_506_600)) == "24 November 2026, 07:50 UTC")
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_GB")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "d MMMM yyyy, HH:mm 'UTC'"
    for seconds in stride(from: -3_000_000_000, to: 8_000_000_000, by: 86_400 * 97 + 3701) {
      let date = Date(timeIntervalSince1970: Double(seconds))
      #expect(plain(Wording.date(seconds)) == formatter.string(from: date))
    }
  }
}

@Suite("Curves")
struct AxisTests {
  private func points(_ values: [Double]) -> [LearningCurve.Point] {
    values.enumerated().map { .init(step: $0.offset, value: $0.element) }
  }

  @Test("are thinned by minimum and maximum, losing no peak and inventing no point")
  func decimation() {
    var noise = Noise(seed: 3)
    var values = (0..<10_000).map { _ in noise.gaussian() }
    values[4711] = 99
    values[17] = -99
    values[18] = .nan
    let all = points(values)
    let thin = Axis.decimated(all)
    #expect(thin.count <= 240)
    #expect(thin.map(\.value).max() == 99)
    #expect(thin.map(\.value).min() == -99)
    #expect(thin.allSatisfy { all[$0.step] == $0 })
    #expect(zip(thin, thin.dropFirst()).allSatisfy { $0.step < $1.step })
    #expect(Axis.decimated(thin) == thin)
    let few = points([1, 2, .infinity, 3])
    #expect(Axis.decimated(few).map(\.value) == [1, 2, 3])
  }

  @Test("have three to five round ticks around any range")
  func ticks() {
    #expect(Axis.ticks(from: 1.7, to: 3.4) == [1.5, 2, 2.5, 3, 3.5])
    let small = Axis.ticks(from: 0.041, to: 0.14)
    #expect(small.map { Axis.label($0, among: small) } == ["0", "0.05", "0.1", "0.15"])
    #expect(Axis.label(-2000, among: [-2000, 0, 2000]) == "−2,000")
    var noise = Noise(seed: 5)
    for _ in 0..<2000 {
      let low = noise.gaussian() * pow(10, 6 * noise.uniform() - 3)
      let high = low + abs(noise.gaussian()) * pow(10, 6 * noise.uniform() - 3)
      let ticks = Axis.ticks(from: low, to: high)
      #expect((3...5).contains(ticks.count))
      let slack = 1e-6 * (ticks[1] - ticks[0])
      #expect(ticks[0] <= low + slack && ticks[ticks.count - 1] >= high - slack)
    }
    for (low, high) in [(0.0, 0.0), (5, 5), (.nan, 1), (-.infinity, .infinity), (1e-300, 2e-300)] {
      #expect((2...5).contains(Axis.ticks(from: low, to: high).count))
    }
    #expect(Axis.logarithmicTicks(from: 2e-4, to: 0.05).count == 4)
    #expect(Axis.logarithmicTicks(from: 1e-12, to: 1e9).count <= 6)
  }

  @Test("are drawn from lines that hold nothing but numbers, whatever the values are")
  func hostileValues() {
    let values: [[Double]] = [
      [], [1], [.nan, .nan], [.infinity, 2, -.infinity], [1e308, -1e308, 0], [5, 5, 5],
      [0, 0, 0], [-1, -2, -3],
    ]
    var report = SampleGallery.report(methods: 1)
    for scale in [LearningCurve.Scale.linear, .logarithmic] {
      for series in values {
        report.methods[0].curves = [
          LearningCurve(
            title: "Loss", unit: "nats", training: points(series), heldOut: points(series),
            plannedSteps: 0, failure: .init(step: 3, reason: "not a number"), scale: scale)
        ]
        let page = GalleryPage.html(report)
        #expect(!page.contains("nan\"") && !page.contains("inf%"), "\(series)")
      }
    }
  }
}

@Suite("Formulas")
struct FormulaTests {
  @Test("become MathML pieces that break only where they may")
  func notation() {
    let markup = Formula.markup("log p(x); ≥ E_{q(z|x)}^2 hat{x}").markup
    #expect(markup.components(separatedBy: "<math ").count == 3)
    #expect(markup.contains("<mo form=\"infix\">≥</mo>"))
    #expect(markup.contains("<msubsup><mi>E</mi><mrow><mi>q</mi>"))
    #expect(markup.contains("<mover><mrow><mi>x</mi></mrow><mo>^</mo></mover>"))
    #expect(Formula.markup("∑_t x").markup.contains("<munder><mo>∑</mo>"))
    #expect(Formula.markup("frac{1}{2}").markup.contains("<mfrac><mrow><mn>1</mn></mrow>"))
  }

  @Test("that are broken are shown, escaped, and trap nothing")
  func broken() {
    let sources = [
      "", ";", ";;", "{", "}", "x_", "x^", "_", "frac{a}", "sqrt{", "<b>&\"'", "x_{y",
      String(repeating: "{", count: 500), String(repeating: "x_{", count: 500), "frac", "é_日",
    ]
    for source in sources {
      let markup = Formula.markup(source).markup
      #expect(!markup.contains("<b>"))
      let opened = markup.components(separatedBy: "<mrow>").count
      #expect(opened == markup.components(separatedBy: "</mrow>").count, "\(source)")
    }
  }
}

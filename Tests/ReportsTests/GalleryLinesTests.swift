import Reports
import Synchronization
import Testing

private let plain = Terminal(redraws: true, colors: false)
private let ascii = Terminal(redraws: true, colors: false, unicode: false)
private let colored = Terminal(redraws: true, colors: true)

/// The gallery of the design, whose numbers are placeholders.
private enum Designed {
  static func method(
    _ name: String, _ value: Double?, _ unit: String, _ kind: Metric.Kind, _ seconds: Double,
    _ megabytes: Int, _ parameters: Int = 1_100_000, error: Double? = nil, group: String? = nil
  ) -> MethodReport {
    MethodReport(
      recipe: name, title: name, family: "Family", idea: "", status: .trained,
      seconds: seconds, peakBytes: megabytes * 1_000_000, parameters: parameters,
      metric: value.map {
        Metric(name: unit, value: $0, unit: unit, kind: kind, error: error, group: group)
      }, command: "apus train " + name)
  }

  static var failed: MethodReport {
    var method = method("gan-fashion", nil, "", .score, 24, 233, 1_800_000)
    method.status = .failed
    method.failure = .init(
      short: "not a number at step 1,204", step: 1204, what: "The loss was not a number")
    return method
  }

  static var report: GalleryReport {
    let group = "fashion"
    return GalleryReport(
      version: "0.1.0", seed: 1, date: 0, machine: [], command: "", seconds: 490,
      groups: [
        DataGroup(
          id: group, name: "Fashion-MNIST", unit: "bits per dimension",
          references: [.init(name: "xz -9", value: 3.87, note: "")])
      ],
      methods: [
        method("vae-fashion", 3.42, "bits/dim", .upperBound, 58, 182, 1_200_000, group: group),
        method("pixelcnn-fashion", 2.88, "bits/dim", .exact, 59, 240, group: group),
        method("ddpm-fashion", 3.13, "bits/dim", .upperBound, 67, 412, 1_600_000, group: group),
        method(
          "ebm-fashion", 3.9, "bits/dim", .estimate, 66, 274, 930_000, error: 0.35, group: group),
        method("realnvp-2d", 2.47, "nats/point", .exact, 31, 64, 71_000),
        method("mae-fashion", 0.031, "mean square", .score, 60, 256, 2_100_000),
        failed,
      ])
  }
}

@Suite("The lines of a gallery")
struct GalleryLinesTests {
  @Test("are the designed ones at 80 columns, to the letter")
  func designed() {
    #expect(
      GalleryLines.opening(methods: 9, secondsEach: 60, seed: 1, cores: 2, on: plain)
        == "9 methods, about a minute each, seed 1, 2 cores")
    let lines = [
      Designed.method("gpt-text", 1.94, "bits/byte", .exact, 61, 318),
      Designed.method("wavenet-tones", 2.71, "bits/sample", .exact, 64, 211),
      Designed.method("vae-fashion", 3.42, "bits/dim", .upperBound, 58, 182),
      Designed.failed,
    ].map { GalleryLines.ended($0, on: plain) }
    #expect(
      lines == [
        "✓ gpt-text           1.94 bits/byte    exact              61 s   318 MB",
        "✓ wavenet-tones      2.71 bits/sample  exact              64 s   211 MB",
        "✓ vae-fashion        3.42 bits/dim     upper bound        58 s   182 MB",
        "✕ gan-fashion        not a number at step 1,204           24 s   233 MB",
      ])
    let moving = ProgressLine(
      name: "ddpm-fashion", step: 410, steps: 1000, lossName: "error", loss: 0.052,
      unit: "mean square", stepsPerSecond: 37, secondsLeft: 38)
    #expect(
      moving.text(on: plain, width: 80, indent: 2, barWidth: 21)
        == "  ddpm-fashion ━━━━━━━━━────────────  41%  error 0.052  37 steps/s  38 s left")
    #expect(
      GalleryLines.ahead(next: "mae-fashion", secondsLeft: 110, on: plain)
        == "  then mae-fashion; about 2 min left")
  }

  @Test("do without signs where there is no UTF-8")
  func withoutSigns() {
    let vae = Designed.method("vae-fashion", 3.42, "bits/dim", .upperBound, 58, 182)
    #expect(
      GalleryLines.ended(vae, on: ascii)
        == "ok     vae-fashion        3.42 bits/dim     upper bound        58 s  182 MB")
    #expect(
      GalleryLines.ended(Designed.failed, on: ascii)
        == "FAILED gan-fashion        not a number at step 1,204           24 s  233 MB")
  }

  @Test("are plain sentences where there is no terminal")
  func sentences() {
    let vae = Designed.method("vae-fashion", 3.42, "bits/dim", .upperBound, 58, 182)
    #expect(
      GalleryLines.plainEnd(vae, at: 1_795_506_656)
        == "07:50:56 vae-fashion done: 3.42 bits/dim (upper bound), 58 s, 182 MB")
    #expect(
      GalleryLines.plainEnd(Designed.failed, at: 1_795_506_680)
        == "07:51:20 gan-fashion failed: not a number at step 1204, 24 s, 233 MB")
  }

  @Test("end in the designed table at 80 columns")
  func table80() {
    #expect(
      SummaryTable(Designed.report).text(on: plain, page: "gallery/index.html") == """
        Fashion-MNIST, bits per dimension
                               bits  kind                time    memory  parameters
          pixelcnn-fashion     2.88  exact               59 s    240 MB       1.1 M
          ddpm-fashion         3.13  upper bound         67 s    412 MB       1.6 M
          vae-fashion          3.42  upper bound         58 s    182 MB       1.2 M
          xz -9                3.87  exact
          ebm-fashion          3.90  estimate ± 0.35     66 s    274 MB       930 k
        Other
          realnvp-2d           2.47  nats/point, exact   31 s     64 MB        71 k
          mae-fashion         0.031  mean square         60 s    256 MB       2.1 M
        ✕ gan-fashion             –  step 1,204          24 s    233 MB       1.8 M

        6 of 7 trained, 1 failed, 8 min 10 s. Page: gallery/index.html
        """)
  }

  @Test("add the scale at 120 columns, where the mark says the kind too")
  func table120() {
    let lines = SummaryTable(Designed.report).text(on: plain, width: 120).split(separator: "\n")
    #expect(
      lines[1...6].joined(separator: "\n") == """
                              bits  0         2         4         6         8  kind               time    memory  parameters
          pixelcnn-fashion    2.88  │         │   ●     │         │         │  exact              59 s    240 MB       1.1 M
          ddpm-fashion        3.13  │         │  ···◀   │         │         │  upper bound        67 s    412 MB       1.6 M
          vae-fashion         3.42  │         │   ···◀  │         │         │  upper bound        58 s    182 MB       1.2 M
          xz -9               3.87  │         │        |│         │         │  exact
          ebm-fashion         3.90  │         │       ──◇──       │         │  estimate ± 0.35    66 s    274 MB       930 k
        """)
  }

  @Test("color nothing but ink: the table is the same text to the letter, and is never too wide")
  func colors() {
    for (width, terminal) in [(80, plain), (80, ascii), (120, plain), (100, ascii)] {
      var painted = terminal
      painted.colors = true
      let table = SummaryTable(Designed.report)
      let text = table.text(on: terminal, width: width)
      #expect(
        table.text(on: painted, width: width).replacing(/\u{1B}\[[0-9;]*m/, with: "") == text)
      for line in text.split(separator: "\n") { #expect(line.count <= width) }
    }
    let without = SummaryTable(Designed.report).text(on: ascii, width: 120)
    #expect(without.unicodeScalars.allSatisfy { $0.isASCII })
    #expect(without.contains("FAILED"))
    #expect(without.contains("--?--"))
    #expect(without.contains("...<"))
  }

  @Test("also make a table for a README")
  func markdown() {
    let lines = SummaryTable(Designed.report).markdown().split(separator: "\n")
    #expect(lines.count == 2 + 8)
    #expect(
      lines[2]
        == "| Fashion-MNIST, bits per dimension | pixelcnn-fashion | 2.88 | exact | 59\u{A0}s | "
        + "240\u{A0}MB | 1.1\u{A0}M |")
  }
}

@Suite("Moving lines")
struct LiveLinesTests {
  /// Text as it was written.
  private final class Output: Sendable {
    let text = Mutex("")
    var written: String { text.withLock { $0 } }
    @Sendable func write(_ more: String) { text.withLock { $0 += more } }
  }

  @Test("are drawn over one another, and lines that stay go above them")
  func redraws() {
    let output = Output()
    var lines = LiveLines(terminal: plain, columns: { nil }, write: output.write)
    lines.update(at: 0, lines: { ["a \($0)", "b"] }, plain: { "never" })
    lines.update(at: 0.1, lines: { _ in ["not due"] }, plain: { "never" })
    lines.say("stays")
    lines.update(at: 0.3, lines: { _ in ["c"] }, plain: { "never" })
    lines.clear()
    lines.clear()
    #expect(
      output.written == "a 80\nb\r" + "\u{1B}[1A\r\u{1B}[Jstays\n" + "c\r" + "\r\u{1B}[J")
  }

  @Test("become plain lines without any control character where there is no terminal")
  func plainStream() {
    let output = Output()
    let pipe = Terminal(redraws: false, colors: false)
    var lines = LiveLines(terminal: pipe, columns: { 40 }, write: output.write)
    for second in 0...12 {
      lines.update(at: Double(second), lines: { _ in ["no"] }, plain: { "at \(second)" })
    }
    lines.say("done")
    #expect(output.written == "at 1\nat 2\nat 5\nat 10\ndone\n")
  }
}

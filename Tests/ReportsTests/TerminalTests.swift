import Images
import Reports
import Testing

private let plain = Terminal(redraws: true, colors: false)
private let ascii = Terminal(redraws: true, colors: false, unicode: false)
private let colored = Terminal(redraws: true, colors: true)

@Suite("The progress line")
struct ProgressLineTests {
  private var line: ProgressLine {
    ProgressLine(
      name: "vae-fashion", step: 3480, steps: 6000, loss: 3.61, heldOut: 3.64,
      heldOutKind: "bound", stepsPerSecond: 103, memory: 182_000_000, secondsLeft: 24)
  }

  @Test("is the designed line at 80 and at 120 columns, to the letter")
  func designed() {
    #expect(
      line.text(on: plain, width: 80)
        == "vae-fashion ━━━━━━━━━━━━━━──────────  58%  loss 3.61  103 steps/s  182 MB  24 s")
    #expect(
      line.text(on: plain, width: 120)
        == "vae-fashion ━━━━━━━━━━━━━━──────────  58%  3,480/6,000  loss 3.61  "
        + "held out 3.64 bound  103 steps/s  182 MB  24 s left")
    #expect(
      line.text(on: ascii, width: 80)
        == "vae-fashion [##############..........]  58%  loss 3.61  103 steps/s  24 s")
  }

  @Test("loses memory, then speed, then the bar, and never wraps")
  func drops() {
    #expect(
      line.text(on: plain, width: 75)
        == "vae-fashion ━━━━━━━━━━━━━━──────────  58%  loss 3.61  103 steps/s  24 s")
    #expect(
      line.text(on: plain, width: 66)
        == "vae-fashion ━━━━━━━━━━━━━━──────────  58%  loss 3.61  24 s")
    var long = line
    long.name = "a-recipe-with-a-very-long-name-indeed"
    #expect(
      long.text(on: plain, width: 70)
        == "a-recipe-with-a-very-long-name-indeed  58%  loss 3.61  24 s")
    #expect(line.text(on: plain, width: 59) == "vae-fashion  58%  24 s")
    for width in 0...200 {
      #expect(line.text(on: plain, width: width).count <= max(0, width - 1))
    }
  }

  @Test("in colour is the same text to the letter")
  func colorChangesNoLetter() {
    for width in [20, 70, 80, 120] {
      let bare = line.text(on: colored, width: width).replacing(/\u{1B}\[[0-9;]*m/, with: "")
      #expect(bare == line.text(on: plain, width: width))
    }
    let painted = line.text(on: colored, width: 80)
    #expect(painted.hasPrefix("\u{1B}[1mvae-fashion\u{1B}[0m \u{1B}[36m━"))
    #expect(painted.contains("\u{1B}[2mloss\u{1B}[0m \u{1B}[1m3.61\u{1B}[0m"))
  }

  @Test("is a plain sentence where there is no terminal")
  func sentence() {
    #expect(
      line.plainText(at: 1_795_506_631)
        == "07:50:31 vae-fashion step 3480 of 6000, loss 3.61, 103 steps/s, 24 s left")
  }

  @Test("says 100% only at the end")
  func hundred() {
    var line = line
    line.step = 5999
    #expect(line.text(on: plain, width: 80).contains("  99%  "))
    line.step = 6000
    #expect(line.text(on: plain, width: 80).contains(" 100%  "))
  }

  @Test("is due four times a second on a terminal, and after 1, 2, 5, 10, 20, 30 s elsewhere")
  func cadence() {
    func times(redraws: Bool, until end: Double) -> [Double] {
      var cadence = Cadence(redraws: redraws)
      return stride(from: 0, through: end, by: 0.0625).filter { cadence.isDue(at: 1000 + $0) }
    }
    #expect(times(redraws: true, until: 1) == [0, 0.25, 0.5, 0.75, 1])
    #expect(times(redraws: false, until: 35) == [1, 2, 5, 10, 20, 30])
  }

  @Test("tells the time left after 2 s, from the speed of the last 10 s")
  func pace() throws {
    var pace = Pace(steps: 1000)
    for tenth in 0...100 { pace.record(step: tenth, at: Double(tenth) / 10) }
    #expect(pace.secondsLeft(at: 1.9) == nil)
    #expect(abs(try #require(pace.secondsLeft(at: 10)) - 90) < 1)
    // Ten times as fast from now on: after 11 s nothing is left of the slow time.
    for tenth in 1...110 { pace.record(step: 100 + tenth * 2, at: 10 + Double(tenth) / 10) }
    #expect(abs(try #require(pace.stepsPerSecond) - 20) < 1)
    #expect(abs(try #require(pace.secondsLeft(at: 21)) - 34) < 2)
  }
}

@Suite("The terminal's abilities")
struct TerminalTests {
  private func terminal(
    _ environment: [String: String], isTerminal: Bool = true, forbidsColor: Bool = false
  ) -> Terminal {
    var environment = environment
    if environment["LANG"] == nil { environment["LANG"] = "en_GB.UTF-8" }
    return Terminal(
      environment: environment, isTerminal: isTerminal, forbidsColor: forbidsColor)
  }

  @Test("follow NO_COLOR, FORCE_COLOR, TERM and the kind of stream")
  func color() {
    #expect(terminal([:]).colors)
    #expect(!terminal(["NO_COLOR": "1"]).colors)
    #expect(terminal(["NO_COLOR": ""]).colors)
    #expect(!terminal(["NO_COLOR": "1", "FORCE_COLOR": "1"]).colors)
    #expect(!terminal([:], forbidsColor: true).colors)
    #expect(!terminal(["TERM": "dumb"]).colors)
    #expect(!terminal(["TERM": "dumb"]).redraws)
    #expect(!terminal([:], isTerminal: false).colors)
    #expect(terminal(["FORCE_COLOR": "1"], isTerminal: false).colors)
    #expect(!terminal(["FORCE_COLOR": "1"], isTerminal: false).redraws)
    #expect(!terminal(["FORCE_COLOR": "0"]).colors)
    #expect(terminal(["COLORTERM": "truecolor"]).trueColor)
    #expect(!terminal(["COLORTERM": "truecolor", "NO_COLOR": "1"]).trueColor)
  }

  @Test("use signs only in UTF-8, and not where they may be two columns wide")
  func signs() {
    #expect(terminal(["LANG": "C.UTF-8"]).unicode)
    #expect(terminal(["LANG": "en_US.utf8"]).unicode)
    #expect(!terminal(["LANG": "C"]).unicode)
    #expect(!terminal(["LC_ALL": "C", "LANG": "en_US.UTF-8"]).unicode)
    for language in ["ja_JP", "zh_CN", "ko_KR"] {
      #expect(!terminal(["LANG": language + ".UTF-8"]).unicode)
    }
  }

  @Test("decide whether a picture is shown in half blocks")
  func halfBlocks() {
    let image = Image(width: 2, height: 3, channels: 1, pixels: [0, 255, 9, 8, 7, 6])
    var terminal = colored
    #expect(HalfBlocks.text(image, on: terminal, width: 80) == nil)
    terminal.trueColor = true
    #expect(
      HalfBlocks.text(image, on: terminal, width: 80)
        == "\u{1B}[38;2;0;0;0;48;2;9;9;9m▀\u{1B}[38;2;255;255;255;48;2;8;8;8m▀\u{1B}[0m\n"
        + "\u{1B}[38;2;7;7;7m▀\u{1B}[38;2;6;6;6m▀\u{1B}[0m")
    #expect(HalfBlocks.text(image, on: terminal, width: 2) == nil)
  }
}

@Suite("Errors")
struct ErrorMessageTests {
  @Test("say what happened, the facts, and what to do")
  func designed() {
    let missing = ErrorMessage(
      "the data set \"fashion-mnist\" is missing.",
      facts: [("looked in", "/usr/share/datasets/fashion-mnist, ~/.cache/apus/fashion-mnist")],
      attempts: [
        "sudo apt-get install dataset-fashion-mnist",
        "apus data get fashion-mnist        (30 MB, checksum known)",
      ])
    #expect(
      missing.text(on: plain) == """
        apus: the data set "fashion-mnist" is missing.
          looked in   /usr/share/datasets/fashion-mnist, ~/.cache/apus/fashion-mnist
          try         sudo apt-get install dataset-fashion-mnist
                 or   apus data get fashion-mnist        (30 MB, checksum known)
        """)
    let unknown = ErrorMessage(
      "no recipe \"vae-fasion\". Did you mean vae-fashion?",
      attempts: ["apus train --list"], attemptLabel: "all recipes")
    #expect(
      unknown.text(on: colored) == """
        \u{1B}[31mapus:\u{1B}[0m no recipe "vae-fasion". Did you mean vae-fashion?
          all recipes   apus train --list
        """)
  }

  @Test("guess what was meant, but not wildly")
  func guesses() {
    let names = ["vae-fashion", "gan-fashion", "gpt-text"]
    #expect(nearest(to: "vae-fasion", among: names) == "vae-fashion")
    #expect(nearest(to: "gpt-txet", among: names) == "gpt-text")
    #expect(nearest(to: "resnet", among: names) == nil)
    #expect(nearest(to: "", among: []) == nil)
  }
}

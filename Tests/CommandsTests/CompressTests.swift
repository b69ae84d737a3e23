import Documents
import Foundation
import Testing

@Suite("apus compress and decompress", .enabled(if: Binary.isBuilt, "apus is not built"))
struct CompressTests {
  /// A run of one step.
  private func run(_ recipe: String, _ settings: [String], seed: Int = 3, in scratch: Scratch)
    throws -> String
  {
    let run = scratch.path("run-\(recipe)-\(seed)")
    let text = try scratch.write(
      Array(String(repeating: "the quick brown fox jumps over the lazy dog. ", count: 400).utf8),
      to: "text.txt")
    let trained = try Binary.run(
      arguments: [
        "train", recipe, "--out", run, "--steps", "1", "--seed", "\(seed)", "--set", "text=\(text)",
      ]
        + settings.flatMap { ["--set", $0] })
    #expect(trained.status == 0, "\(trained.errors)")
    return run
  }

  @Test(
    "give the same bytes back, in a file as large as the model says",
    arguments: [
      ("lstm-text", ["width=16", "embedding=8", "batch_size=2", "length=32"]),
      (
        "gpt-text",
        ["width=16", "heads=2", "layers=1", "batch_size=2", "length=16", "vocabulary=300"]
      ),
    ])
  func roundTrip(recipe: String, settings: [String]) throws {
    let scratch = Scratch()
    let run = try run(recipe, settings, in: scratch)
    // Any bytes, not only texts, and of any number.
    for (number, bytes) in [
      Array("jumping foxes; über naïve café".utf8), [], [0],
      (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 >> 3) },
    ].enumerated() {
      let file = try scratch.write(bytes, to: "in-\(number)")
      let (small, back) = (scratch.path("small-\(number)"), scratch.path("back-\(number)"))
      let made = try Binary.run("compress", file, "--run", run, "--out", small, "--json")
      #expect(made.status == 0, "\(made.output)")
      let result = try made.json()
      let claimed = try #require(result["claimed_bits"]?.double)
      let size = try #require(result["bytes"]?.integer)
      let file2 = try Data(contentsOf: URL(fileURLWithPath: small))
      #expect(file2.count == size)
      let code = Double(size - (file2.firstIndex(of: 10) ?? 0) - 1)
      #expect(abs(code - claimed / 8) <= 1e-3 * claimed / 8 + 8)
      let read = try Binary.run("decompress", small, "--run", run, "--out", back, "--threads", "1")
      #expect(read.status == 0, "\(read.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: back)) == Data(bytes))
    }
  }

  @Test("refuse other weights, damaged files and models without exact probabilities")
  func refusals() throws {
    let scratch = Scratch()
    let settings = ["width=16", "embedding=8", "batch_size=2", "length=32"]
    let run = try run("lstm-text", settings, in: scratch)
    let other = try self.run("lstm-text", settings, seed: 4, in: scratch)
    let small = scratch.path("small")
    let out = scratch.path("out")
    let input = try scratch.write(Array("lazy dogs".utf8), to: "input")
    #expect(try Binary.run("compress", input, "--run", run, "--out", small).status == 0)

    let wrong = try Binary.run("decompress", small, "--run", other, "--out", out, "--json")
    #expect(wrong.status == 2 && wrong.errorKind == "invalid")
    #expect(wrong.output.contains("other weights"))
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: small)))
    bytes[bytes.count - 2] ^= 0x55
    let damaged = try scratch.write(bytes, to: "damaged")
    let refused = try Binary.run("decompress", damaged, "--run", run, "--out", out, "--json")
    #expect(refused.status == 2 && refused.output.contains("damaged"))
    for count in [0, 5, 60] {
      let cut = try scratch.write(Array(bytes.prefix(count)), to: "cut")
      #expect(try Binary.run("decompress", cut, "--run", run, "--out", out).status == 2)
    }
    #expect(!FileManager.default.fileExists(atPath: out))
    #expect(try Binary.run("compress", "none", "--run", run, "--out", small).status == 3)
    #expect(try Binary.run("compress", input, "--out", small).status == 64)
  }

  @Test("eval --scoreboard compares finished runs of the same data")
  func scoreboard() throws {
    let scratch = Scratch()
    _ = try run(
      "lstm-text", ["width=16", "embedding=8", "batch_size=2", "length=32"], in: scratch)
    let board = try Binary.run("eval", "--scoreboard", "--runs", scratch.path(""), "--json")
    #expect(board.status == 0, "\(board.output)")
    let row = try #require(try board.json()["rows"]?.elements?.first)
    #expect(row["model"]?.string == "lstm-text" && row["kind"]?.string == "exact")
    #expect(row["unit"]?.string == "bits/byte")
    let none = try Binary.run(
      "eval", "--scoreboard", "--runs", scratch.path(""), "--only", "vae-fashion", "--json")
    #expect(none.status == 3)
  }
}

import ArgumentParser
import Foundation
import Recipes
import Reports
import Training

struct GalleryCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "gallery",
    abstract: "Trains every method for a while and shows what they made on one page.",
    discussion: """
      Every method is a process of its own, so that one that fails takes nothing with it. The page \
      and gallery.json are written anew after every method; Ctrl-C finishes them with what there \
      is. Exit code 1 if a method failed.
      """)

  @Option(
    help: "The folder for index.html, gallery.json and the runs (default: gallery).",
    completion: .directory)
  var out = "gallery"

  @Option(help: "Minutes for all methods together (default: one for each method).")
  var minutes: Double?

  @Option(
    help: "Only these recipes, with commas between them (default: one or two of each family).")
  var only: String?

  @Option(help: "The seed of every method (default: 1, or APUS_SEED).")
  var seed: UInt64?

  @Option(help: "The threads to compute with, 1 to 256 (default: all cores, or APUS_THREADS).")
  var threads: Int32?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let minutes, !(minutes > 0 && minutes < 1e6) {
      throw ValidationError("--minutes \(minutes) is no positive time")
    }
  }

  func execute(_ console: Console) throws {
    let names = only.map { $0.split(separator: ",").map(String.init) }
    let recipes =
      try names?.map { name throws(Failure) in try Recipes.named(name) } ?? Recipes.gallery
    guard !recipes.isEmpty else { throw Failure(.missing, "there are no recipes.") }
    try OutputFile.makeFolder(out + "/runs")
    let seed = try resolved(seed, "SEED") ?? 1
    let seconds = (minutes ?? Double(recipes.count)) * 60
    let job = GalleryJob(
      folder: out, recipes: recipes, seed: seed, seconds: seconds, threads: threads,
      command: command(seed), console: console)
    let report = try StopRequest.onSignals(notice: Self.stopping) { stop in try job.run(stop) }
    try finish(report, console)
    if report.methods.contains(where: { $0.status == .interrupted }) {
      throw ExitCode(Failure.Kind.interrupted.exitCode)
    }
    if report.methods.contains(where: { $0.status == .failed }) { throw ExitCode(1) }
  }

  private static let stopping: @Sendable () -> Void = {
    _ = writeAll(
      TrainingProgress.lineBreak + "apus: finishing the page; Ctrl-C again stops at once.\n", 2)
  }

  private func finish(_ report: GalleryReport, _ console: Console) throws {
    let page = out + "/index.html"
    if console.json {
      try console.result(report.json())
      return
    }
    let width = console.liveLines().width
    console.note(
      "\n" + SummaryTable(report).text(on: console.terminal, width: width, page: page))
    try console.result(page)
  }

  /// The command that makes this gallery again.
  private func command(_ seed: UInt64) -> String {
    var words = ["apus gallery --out \(out)"]
    if let minutes {
      let whole = Int(exactly: minutes).map { "\($0)" }
      words.append("--minutes \(whole ?? "\(minutes)")")
    }
    if let only { words.append("--only \(only)") }
    words.append("--seed \(seed)")
    return words.joined(separator: " ")
  }
}

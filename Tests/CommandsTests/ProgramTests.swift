import Documents
import Foundation
import Testing

@Suite("The command as a whole", .enabled(if: Binary.isBuilt, "apus is not built"))
struct ProgramTests {
  @Test("tells its version in an instant")
  func version() throws {
    var fastest = Duration.seconds(10)
    for _ in 0..<5 {
      let clock = ContinuousClock()
      let start = clock.now
      let outcome = try Binary.run("--version")
      fastest = min(fastest, clock.now - start)
      #expect(outcome.status == 0)
      #expect(outcome.output.split(separator: ".").count == 3)
      #expect(outcome.errors.isEmpty)
    }
    #expect(fastest < .milliseconds(100), "\(fastest)")
  }

  @Test(
    "gives help on standard output", arguments: [["--help"], [], ["data"], ["help", "inspect"]])
  func help(arguments: [String]) throws {
    let outcome =
      switch arguments.count {
      case 0: try Binary.run()
      case 1: try Binary.run(arguments[0])
      default: try Binary.run(arguments[0], arguments[1])
      }
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("USAGE: apus"))
    #expect(outcome.errors.isEmpty)
  }

  @Test("writes completion scripts", arguments: ["bash", "zsh", "fish"])
  func completion(shell: String) throws {
    let outcome = try Binary.run("--generate-completion-script", shell)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("fashion-mnist"))
    #expect(outcome.errors.isEmpty)
  }

  @Test("suggests what was meant and exits with 64")
  func suggestions() throws {
    let command = try Binary.run("insepct", "x")
    #expect(command.status == 64)
    #expect(command.output.isEmpty)
    #expect(command.errors.contains("no subcommand \"insepct\". Did you mean inspect?"))
    let nested = try Binary.run("data", "lst")
    #expect(nested.status == 64)
    #expect(nested.errors.contains("Did you mean list?"))
    let flag = try Binary.run("doctor", "--jsn")
    #expect(flag.status == 64)
    #expect(flag.errors.contains("--json"))
    #expect(flag.errors.contains("apus doctor --help"))
  }

  @Test("reports wrong usage as one JSON object where JSON is asked for")
  func usageAsJSON() throws {
    let outcome = try Binary.run("inspect", "--json")
    #expect(outcome.status == 64)
    #expect(outcome.errors.isEmpty)
    let error = try #require(try outcome.json()["error"])
    #expect(error.names == ["kind", "message", "hint"])
    #expect(error["kind"]?.string == "usage")
    #expect(error["hint"]?.string == "apus inspect --help")
  }

  @Test("is silent when its reader has gone away")
  func brokenPipe() throws {
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    let outcome = try Binary.run("data", "list", output: pipe.fileHandleForWriting)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
  }

  @Test(
    "says that the disk is full",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "no /dev/full"))
  func fullDisk() throws {
    let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let outcome = try Binary.run("data", "list", output: full)
    #expect(outcome.status == 1)
    #expect(outcome.errors == "apus: standard output cannot be written: the disk is full.\n")
  }
}

import Documents
import Foundation
import Testing

@Suite("apus doctor", .enabled(if: Binary.isBuilt, "apus is not built"))
struct DoctorTests {
  @Test("tells the machine, the libraries and the data, by the promised keys")
  func json() throws {
    let outcome = try Binary.run("doctor", "--json")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let report = try outcome.json()
    for key in ["version", "build", "cpu", "libraries", "plugins", "ok"] {
      #expect(report.names.contains(key), "\(key)")
    }
    #expect(["release", "debug"].contains(report["build"]?.string))
    #expect(report["ok"]?.bool == true)
    #expect((report["cpu"]?["cores"]?.integer ?? 0) > 0)
    #expect(report["cpu"]?["model"]?.string?.isEmpty == false)
    #expect(report["cpu"]?["isa"]?.string?.isEmpty == false)
    let libraries = try #require(report["libraries"]?.elements)
    #expect(
      libraries.compactMap { $0["name"]?.string }
        == ["oneDNN", "libpng", "libjpeg-turbo", "libwebp", "freetype", "zlib"])
    for library in libraries { #expect(library["status"]?.string == "ok") }
    let digits = libraries[0]["version"]?.string?.split(separator: ".").compactMap { Int($0) }
    #expect((digits?.first ?? 0) >= 2)
  }

  @Test("names the command that brings what is missing, and is well without it")
  func missingData() throws {
    let scratch = Scratch()
    let environment = ["APUS_CACHE": scratch.folder.path]
    let outcome = try Binary.run("doctor", environment: environment)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("oneDNN"))
    let sets = try Binary.run("data", "list", "--json", environment: environment).lines()
    for set in sets where set["status"]?.string == "missing" {
      let command = try #require(set["how_to_get"]?.string)
      #expect(outcome.output.contains(command))
    }
  }

  @Test("says how many threads are used where they are not the cores")
  func threads() throws {
    let outcome = try Binary.run("doctor", "--json", environment: ["APUS_THREADS": "3"])
    #expect(try outcome.json()["cpu"]?["threads"]?.integer == 3)
  }
}

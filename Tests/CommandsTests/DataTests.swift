import Documents
import Foundation
import Testing

@Suite("apus data", .enabled(if: Binary.isBuilt, "apus is not built"))
struct DataTests {
  @Test("lists every data set as a line of JSON")
  func list() throws {
    let outcome = try Binary.run("data", "list", "--json")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let sets = try outcome.lines()
    #expect(sets.contains { $0["name"]?.string == "fashion-mnist" })
    for set in sets {
      for key in ["name", "status", "items", "licence", "how_to_get"] {
        #expect(set.names.contains(key), "\(key)")
      }
      #expect(["present", "damaged", "missing"].contains(set["status"]?.string))
    }
  }

  @Test("lists them for people, with numbers")
  func listForPeople() throws {
    let outcome = try Binary.run("data", "list")
    #expect(outcome.output.contains("70,000"))
    #expect(!outcome.output.contains("\u{1B}"))
  }

  @Test("shows counts and items, even where only the part inside the program is there")
  func show() throws {
    let outcome = try Binary.run("data", "show", "fashion-mnist", "--count", "3", "--json")
    #expect(outcome.status == 0)
    let view = try outcome.json()
    #expect(view["examples"]?.elements?.count == 3)
    #expect((view["parts"]?["test"]?.integer ?? 0) >= 1000)
    #expect(view["classes"]?.members?.count == 10)
  }

  @Test("draws items into a PNG file and nothing else")
  func draw() throws {
    let scratch = Scratch()
    let path = scratch.path("toy.png")
    let outcome = try Binary.run("data", "show", "toy", "--out", path)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("two-moons"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path) == ["toy.png"])
  }

  @Test("shows a text file of the user's")
  func text() throws {
    let scratch = Scratch()
    let path = try scratch.write(Array("first line\nsecond line\n".utf8), to: "mine.txt")
    let outcome = try Binary.run("data", "show", path, "--json")
    #expect(try outcome.json()["examples"]?.elements?.first?.string == "first line")
  }

  @Test("says which folder cannot be written")
  func unwritable() throws {
    let outcome = try Binary.run("data", "show", "toy", "--out", "/nowhere/at/all.png", "--json")
    #expect(outcome.status == 1)
    #expect(outcome.errorKind == "unwritable")
  }

  @Test("suggests the name that was meant")
  func unknown() throws {
    let outcome = try Binary.run("data", "get", "fashion-minst")
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("Did you mean fashion-mnist?"))
    #expect(outcome.output.isEmpty)
    #expect(try Binary.run("data", "show", "./nothing", "--json").status == 3)
    #expect(try Binary.run("data", "show", "toy", "--count", "0").status == 64)
  }

  @Test("has nothing to do for data that are computed")
  func get() throws {
    let outcome = try Binary.run("data", "get", "toy", "--json")
    #expect(outcome.status == 0)
    #expect(try outcome.json()["outcome"]?.string == "present")
  }
}

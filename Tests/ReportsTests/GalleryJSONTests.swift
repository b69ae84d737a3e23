import Foundation
import Reports
import Testing

@Suite("gallery.json")
struct GalleryJSONTests {
  private func object(_ json: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  }

  @Test("has the promised keys, and ok or failed for every state")
  func keys() throws {
    let report = SampleGallery.states()
    let json = report.json()
    let gallery = try object(json)
    #expect(gallery["version"] is String)
    #expect(gallery["seed"] as? Int == 1)
    let methods = try #require(gallery["methods"] as? [[String: Any]])
    #expect(methods.count == report.methods.count)
    for (method, written) in zip(report.methods, methods) {
      #expect(written["name"] as? String == method.recipe)
      #expect(written["family"] as? String == method.family)
      #expect(written["command"] as? String == method.command)
      #expect(written["status"] as? String == (method.status == .trained ? "ok" : "failed"))
      #expect((written["error"] is String) == (method.status != .trained))
      #expect(written["artifacts"] as? [String] == method.artifacts)
      #expect(written["metric"] != nil)
    }
    let ebm = try #require(methods.first { $0["name"] as? String == "ebm-shapes" })
    #expect(ebm["seconds"] as? Double == 60)
    #expect(ebm["peak_rss_mb"] as? Double == 240)
    let metric = try #require(ebm["metric"] as? [String: Any])
    #expect(metric["name"] as? String == "bits per dimension")
    #expect(metric["value"] as? Double == 3.9)
    #expect(metric["unit"] as? String == "bits/dim")
    #expect(metric["kind"] as? String == "estimate")
    #expect(metric["error"] as? Double == 0.35)
    let vae = try #require(methods.first { $0["name"] as? String == "vae-shapes" })
    #expect((vae["metric"] as? [String: Any])?["kind"] as? String == "upper_bound")
  }

  @Test("holds numbers only, whatever was measured")
  func notNumbers() throws {
    var report = SampleGallery.report(methods: 1)
    report.seconds = .nan
    report.methods[0].seconds = .infinity
    report.methods[0].metric?.value = .nan
    report.methods[0].curves[0].training.append(.init(step: 9999, value: .nan))
    let json = report.json()
    #expect(!json.lowercased().contains("nan") && !json.contains("\"inf"))
    let methods = try #require(try object(json)["methods"] as? [[String: Any]])
    #expect(methods[0]["metric"] is NSNull)
  }

  @Test("is the same after reading and writing again, with and without figures")
  func roundTrip() throws {
    let report = SampleGallery.states()
    let json = report.json()
    let isSame = try GalleryReport(json: json).json() == json
    #expect(isSame)
    let small = report.json(figures: false)
    #expect(small.utf8.count < json.utf8.count - 100_000)
    #expect(try GalleryReport(json: small).methods.allSatisfy(\.figures.isEmpty))
    #expect(GalleryPage.html(try GalleryReport(json: small)).contains("vae-shapes"))
  }

  @Test("may be as short as promised")
  func minimal() throws {
    let report = try GalleryReport(
      json: """
        {"version":"1","seed":7,"methods":[{"name":"a","family":"F","status":"failed",
        "error":"why","seconds":1,"peak_rss_mb":12.5,"metric":null,"command":"apus train a",
        "artifacts":[]}]}
        """)
    #expect(report.methods[0].status == .failed)
    #expect(report.methods[0].failure?.what == "why")
    #expect(report.methods[0].peakBytes == 12_500_000)
    #expect(GalleryPage.html(report).contains("<b>why.</b>"))
  }

  @Test("traps nothing with numbers that no measurement gives")
  func hostileNumbers() throws {
    for number in ["9223372036854775807", "-9223372036854775808", "0", "-1"] {
      let figures = """
        {"type":"pictures","pictures":[{"png":"","width":\(number),"height":\(number)}],
        "subject":"","note":"","step":\(number)},
        {"type":"sound","samples":"AAAA","rate":\(number),"note":""},
        {"type":"density","points":[[0,0]],"limit":\(number),"levels":"AAAA","side":\(number),
        "highest":\(number),"note":""},
        {"type":"confusion","classes":["a"],"counts":[[\(number),\(number)]],"note":""}
        """
      let curve = """
        {"title":"","unit":"","training":[[\(number),1],[\(number),2]],"held_out":[],
        "planned_steps":\(number),"resumed_at":[\(number)],"scale":"linear"}
        """
      let json = """
        {"version":"1","seed":7,"date":\(number),"seconds":\(number),"methods":[{"name":"a",
        "family":"F","status":"ok","state":"running","seconds":\(number),"peak_rss_mb":\(number),
        "steps":\(number),"parameters":\(number),"file_bytes":\(number),"metric":null,
        "command":"","progress":{"step":\(number),"steps":\(number)},"curves":[\(curve)],
        "figures":[\(figures)]}]}
        """
      let report = try GalleryReport(json: json)
      #expect(GalleryPage.html(report).hasSuffix("</html>\n"))
      #expect(!SummaryTable(report).text(on: Terminal(redraws: true, colors: true)).isEmpty)
    }
  }

  @Test("says what is wrong with it")
  func errors() {
    for (json, hint) in [
      ("{", "cannot be read as JSON"), ("{\"version\":\"1\",\"seed\":1}", "\"methods\" is missing"),
      ("{\"version\":\"1\",\"seed\":\"x\",\"methods\":[]}", "another type stands in seed"),
      (
        "{\"version\":\"1\",\"seed\":1,\"methods\":[{}]}", "\"name\" is missing in methods.[0]"
      ),
    ] {
      do {
        _ = try GalleryReport(json: json)
        Issue.record("\(json) was taken")
      } catch {
        #expect("\(error)".contains(hint), "\(error)")
      }
    }
  }
}

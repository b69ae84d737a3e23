import Foundation
import Published
import TestSupport
import Testing

/// Every folder with a network that `apus verify` can compare, whatever it is called.
@Suite struct VerificationTests {
  /// The folders whose configuration is one of ours.
  static let folders: [URL] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: Fixture.root.path)) ?? []
    return names.sorted().map(Fixture.root.appendingPathComponent).filter { folder in
      let config = try? ModelConfiguration(reading: folder.appendingPathComponent("config.json"))
      return config.map { config in Architectures.all.contains { $0.reads(config) } } ?? false
    }
  }()

  @Test(arguments: folders)
  func `The network computes what its reference implementation computes`(_ folder: URL) throws {
    let verification = try Verification(folder)
    #expect(!verification.rows.isEmpty)
    for row in verification.rows {
      let problem = row.problem ?? "\(row.relative) instead of \(row.tolerance)"
      #expect(row.isWithin, "\(folder.lastPathComponent) \(row.name): \(problem)")
    }
  }
}

@Suite struct WeightNamesTests {
  @Test func `The first rule that fits replaces the beginning of a name`() {
    let names: WeightNames = [
      "blocks.*.attn.qkv": "layers.*.in_proj", "blocks.*": "layers.*", "head": "",
    ]
    #expect(names("blocks.3.attn.qkv.weight") == "layers.3.in_proj.weight")
    #expect(names("blocks.12.norm1.bias") == "layers.12.norm1.bias")
    #expect(names("head.weight") == "weight")
    #expect(names("blocksy.1") == "blocksy.1")
  }
}

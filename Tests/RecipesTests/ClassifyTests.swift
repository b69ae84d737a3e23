import Foundation
import Images
import Recipes
import Reports
import Testing
import Training

@Suite struct ClassifyTests {
  @Test(arguments: [
    "alexnet", "googlenet", "inception", "resnet", "densenet", "efficientnet", "vit", "deit",
    "swin", "cait", "t2t-vit",
  ])
  func `every network learns from a folder of pictures`(network: String) throws {
    let scratch = try PictureFolder()
    let run = scratch.url.appending(path: "run")
    let summary = try train(network, scratch, run, ["mirror=true", "shift=2"])
    #expect(summary.isFinished)
    #expect(try Run(run).metrics.map(\.name) == ["accuracy", "F1", "cross entropy"])
  }

  @Test func `deit learns from a teacher, and no other network does`() throws {
    let scratch = try PictureFolder()
    let (teacher, student) = (
      scratch.url.appending(path: "teacher"), scratch.url.appending(path: "student")
    )
    _ = try train("resnet", scratch, teacher)
    #expect(try train("deit", scratch, student, ["teacher=\(teacher.path)"]).isFinished)
    // Without a teacher the same seed gives another network.
    let alone = scratch.url.appending(path: "alone")
    _ = try train("deit", scratch, alone)
    func weights(_ run: URL) throws -> Data {
      try Data(contentsOf: run.appending(path: "checkpoints/last/model.safetensors"))
    }
    #expect(try weights(student) != weights(alone))
    #expect(throws: TrainingError.self) {
      try train("vit", scratch, scratch.url.appending(path: "no"), ["teacher=\(teacher.path)"])
    }
    #expect(throws: TrainingError.self) {
      try train(
        "deit", scratch, scratch.url.appending(path: "no"),
        ["teacher=\(teacher.path)", "size=32"])
    }
  }

  @discardableResult
  private func train(
    _ network: String, _ data: PictureFolder, _ run: URL, _ more: [String] = []
  ) throws -> TrainingSummary {
    let settings = ["network=\(network)", "data=\(data.url.path)/pictures", "batch_size=4"]
    return try Classify.train(
      TrainingRequest(folder: run, assignments: settings + more, seed: 1, steps: 2))
  }
}

/// Dark and light pictures in a folder that disappears with its owner.
private final class PictureFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "apus-cls-\(UUID().uuidString)")

  init() throws {
    for (name, level) in [("black", 20), ("white", 200)] {
      let place = url.appending(path: "pictures/\(name)")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for i in 0..<10 {
        let pixels = (0..<(8 * 8 * 3)).map { UInt8(level + ($0 * 7 + i * 13) % 40) }
        let image = Image(width: 8, height: 8, channels: 3, pixels: pixels)
        try Data(image.pngData()).write(to: place.appending(path: "\(i).png"))
      }
    }
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

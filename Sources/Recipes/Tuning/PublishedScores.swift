internal import Foundation
internal import Layers
public import Published
public import Reports
internal import Tensors
internal import Training

/// How good a published network is on data, without any training.
public enum PublishedScores {
  /// Accuracy, top-5 accuracy and F1 of a classifier; bits per byte and perplexity of a language model, on the data's test
  /// or held-out items.
  /// - Parameter data: what `apus train finetune --data` takes.
  /// - Throws: where the folder has no such network, or its classes are others than those of the data.
  public static func measure(_ folder: ModelFolder, on data: String) throws -> [Metric] {
    let material = try TuningMaterial(data, folder, size: nil, length: nil)
    let model = try folder.tuned(for: material.classNames, key: RandomKey(seed: 0))
    guard model.renewed.isEmpty else {
      throw RecipeProblem(
        "\(folder.url.path) tells other classes apart than the \(material.classNames?.count ?? 0) of "
          + "\(data). Fine-tune it first: apus train finetune --model \(folder.url.path) --data \(data)"
      )
    }
    let split = material.split.atEnd
    guard case .text(let windows) = material else {
      return TuningMaterial.scores(of: model, on: split.heldOut, material, size: 32)
        .metrics(note: split.measuredOn)
    }
    let measure = compiled { (model: TunedNetwork, batch: TuningBatch) in
      var model = model
      do { return try model.loss(of: material.inputs(batch), .inference) } catch {
        preconditionFailure("inputs that the network took before: \(error)")
      }
    }
    _ = try model.logits(of: material.inputs(split.heldOut.batch([0])))
    var sum = 0.0
    let size = min(16, split.heldOut.count)
    for start in stride(from: 0, to: split.heldOut.count, by: size) {
      let places = Array(start..<min(start + size, split.heldOut.count))
      sum += measure(model, split.heldOut.batch(places)).scalar * Double(places.count)
    }
    return TextScores(nats: sum / Double(split.heldOut.count), windows.heldOut)
      .metrics(note: split.measuredOn)
  }
}

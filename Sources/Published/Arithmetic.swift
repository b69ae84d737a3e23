internal import Layers
internal import Tensors

/// The arithmetic of a published size.
public struct Arithmetic: Hashable, Sendable {
  public enum Unit: String, Sendable { case picture, token }
  /// Products that are added up, in products of matrices, convolutions and attention.
  public let multiplyAdds: Int
  /// What they are for: a picture of the published size, or a token, the mean of a text's first 128; where there is an
  /// encoder, a token that it reads and one that the decoder does.
  public let unit: Unit
}

extension PublishedModel {
  /// Counts the multiply-adds of inference by the network's own program; nothing is computed. nil where the network takes
  /// more than one picture or one text, so that there is no count of one item.
  public static func arithmetic(of size: ArchitectureCard.Size) throws(PublishedError)
    -> Arithmetic?
  {
    let configuration = try ModelConfiguration(parsing: size.configuration, file: size.name)
    let model = try Self(configuration, key: RandomKey(seed: 0))
    let picture = try PicturePreparation(configuration)
    let pixels = Placeholder(
      TensorType([1, picture.channels] + (model.pictureSize ?? picture.size), .float32))
    if let count = model.multiplyAdds(["x": pixels, "pixel_values": pixels]) {
      return Arithmetic(multiplyAdds: count, unit: .picture)
    }
    let length = 128
    let ids = Placeholder(TensorType([1, length], .int32))
    return model.multiplyAdds(["input_ids": ids, "decoder_input_ids": ids]).map {
      Arithmetic(multiplyAdds: $0 / length, unit: .token)
    }
  }

  /// From inputs to the most that comes out; nil where the network does not take them.
  private func multiplyAdds(_ inputs: [String: Placeholder]) -> Int? {
    let given = inputs.mapValues { Tensor($0, []) }
    let weights = tensors.map { Tensor(Placeholder($0.type), []) }
    let traced = replacingTensors(weights)
    let outputs = Evaluation.$mode.withValue(.trace) {
      try? traced.outputs(of: ModelInputs(given), .inference)
    }
    guard let outputs else { return nil }
    let results = ["logits", "prediction_logits", "last_hidden_state"].compactMap { outputs[$0] }
    guard let result = results.first else { return nil }
    return Tensor.multiplyAdds(from: weights + Array(given.values), to: [result])
  }
}

internal import Documents
internal import Foundation
internal import Layers
internal import Samplers
public import Tensors
internal import Tokenizers

/// A folder of published weights that turns texts into vectors: near ones mean something similar.
///
/// Networks that give `text_embeds` (CLIP) have vectors of their own. Of others the tokens' last states are pooled, as
/// `1_Pooling/config.json` says where the folder has one (sentence-transformers); else by the last token of networks that
/// write, and by the mean in all others.
public struct TextEmbedder: Sendable {
  /// How the states of a text's tokens become one vector.
  public enum Pooling: String, CaseIterable, Sendable {
    case mean
    /// That of the first token.
    case first
    /// That of the last token.
    case last
  }

  public var pooling: Pooling
  /// Vectors have length 1.
  public var isNormalized = true
  private let network: any PublishedModel
  private let tokenizer: TokenizerPipeline
  private let pad: Int
  /// Tokens that a text may have; nil: any number.
  private let longest: Int?

  /// Reads the network and its tokenizer.
  public init(_ folder: ModelFolder) throws(PublishedError) {
    network = try folder.model()
    var tokenizer = try folder.tokenizer()
    // Texts are filled up to the longest of a batch.
    tokenizer.padding = nil
    self.tokenizer = tokenizer
    let configuration = folder.configuration
    pad = try configuration.integer("pad_token_id", default: 0)
    let limits = ["max_position_embeddings", "n_positions"].filter { configuration.has($0) }
    longest = try limits.first.map { name throws(PublishedError) in try configuration.size(name) }
    pooling = network is any PublishedGenerator ? .last : .mean
    let file = folder.url.appendingPathComponent("1_Pooling/config.json")
    guard FileManager.default.fileExists(atPath: file.path) else { return }
    let modes = try ModelConfiguration(reading: file)
    if try modes.bool("pooling_mode_cls_token", default: false) { pooling = .first }
    if try modes.bool("pooling_mode_lasttoken", default: false) { pooling = .last }
    if try modes.bool("pooling_mode_mean_tokens", default: false) { pooling = .mean }
  }

  /// The vectors of texts, [texts, width].
  /// - Throws: where a text is empty or too long, or the network gives no states of texts.
  public func callAsFunction(_ texts: [String]) throws(PublishedError) -> Tensor {
    var parts: [Tensor] = []
    for start in stride(from: 0, to: texts.count, by: 32) {
      var rows: [[Int]] = []
      for (i, text) in texts[start..<min(start + 32, texts.count)].enumerated() {
        let tokens = try tokens(of: text, number: start + i + 1)
        guard !tokens.isEmpty else {
          throw .input(name: "text \(start + i + 1)", problem: "it has no tokens")
        }
        if let longest, tokens.count > longest {
          throw .input(
            name: "text \(start + i + 1)",
            problem: "it has \(tokens.count) tokens, but the model reads \(longest); shorten it")
        }
        rows.append(tokens)
      }
      parts.append(try vectors(ModelInputs(texts: rows, pad)).evaluated())
    }
    return parts.isEmpty ? .zeros([0, 0]) : concatenate(parts)
  }

  /// A text's tokens, as many as the tokenizer's own truncation leaves.
  private func tokens(of text: String, number: Int) throws(PublishedError) -> [Int] {
    do {
      return try tokenizer.encoding(of: text).ids
    } catch {
      throw .input(name: "text \(number)", problem: "\(error)")
    }
  }

  private func vectors(_ inputs: ModelInputs) throws(PublishedError) -> Tensor {
    let outputs = try network.outputs(of: inputs, .inference)
    let vectors: Tensor
    if let own = outputs["text_embeds"] ?? outputs["sentence_embedding"] {
      vectors = own
    } else if let states = outputs["last_hidden_state"] {
      vectors = pooled(states, try inputs("attention_mask"))
    } else {
      throw .input(name: "text", problem: "the network gives no vectors of texts")
    }
    guard isNormalized else { return vectors }
    return vectors / vectors.square().sum([-1], keepsAxes: true).sqrt()
  }

  private func pooled(_ states: Tensor, _ mask: Tensor) -> Tensor {
    let lengths = mask.cast(to: states.dataType).sum([1], keepsAxes: true)
    switch pooling {
    case .mean:
      let weights = mask.cast(to: states.dataType).expanded(2)
      return (states * weights).sum([1]) / lengths
    case .first: return states.element(1, 0)
    case .last:
      let last = (lengths - 1).cast(to: .int32).expanded(2)
      return states.takeAlong(1, last.broadcast(to: [states.shape[0], 1, states.shape[2]]))
        .element(1, 0)
    }
  }
}

internal import Foundation
package import Reports

/// How well a language model foresees a text.
package struct TextScores {
  /// e to the mean negative logarithm of a token's probability.
  package let perplexity: Double
  package let bitsPerByte: Double

  /// - Parameter nats: the mean over all tokens.
  init(nats: Double, _ windows: TextBatches) {
    (perplexity, bitsPerByte) = (exp(nats), windows.bitsPerByte(nats: nats))
  }

  package func metrics(note: String) -> [Metric] {
    [
      Metric(
        name: "bits per byte", value: bitsPerByte, unit: "bits/byte", kind: .exact, note: note),
      Metric(
        name: "perplexity", value: perplexity, unit: "per token", kind: .exact, note: note),
    ]
  }
}

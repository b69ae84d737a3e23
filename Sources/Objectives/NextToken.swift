public import Tensors

/// The loss of a language model: how surprised it is by each next token.
public enum NextToken {
  /// Mean negative log likelihood of the tokens 1 … of `ids` given those before, in nats per token.
  /// - Parameters:
  ///   - ids: [batch, length + 1], int32 or int64.
  ///   - model: logits [batch, length, vocabulary] for the first `length` tokens.
  public static func loss(_ ids: Tensor, _ model: (_ ids: Tensor) -> Tensor) -> Tensor {
    let length = ids.shape[1] - 1
    let logits = model(ids.sliced(1, 0..<length))
    return crossEntropy(
      logits.reshaped([-1, logits.shape[2]]), ids.sliced(1, 1..<(length + 1)).reshaped([-1]))
  }
}

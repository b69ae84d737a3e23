public import Tensors

/// The loss of two towers, such as CLIP's: each member of a pair is to find the other among all (Radford et al.,
/// arXiv:2103.00020, figure 3).
public enum PairContrast {
  /// The mean cross entropy of rows and columns, whose own place is on the diagonal.
  /// - Parameters:
  ///   - logits: [pairs, pairs].
  ///   - smoothing: the share of the target that all places get alike (ALIGN, arXiv:2102.05918).
  public static func loss(_ logits: Tensor, smoothing: Double = 0) -> Tensor {
    let places = Tensor.range(logits.shape[0])
    let rows = crossEntropy(logits, places, smoothing: smoothing)
    return (rows + crossEntropy(logits.transposed(), places, smoothing: smoothing)) * 0.5
  }
}

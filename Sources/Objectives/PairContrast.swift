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

  /// The same where pairs with one label belong together: each member is to find, in equal shares, all that have its label
  /// (UniCL: Yang et al., arXiv:2204.03610, eq. 2 to 4). Where no two labels are equal it is the loss above.
  /// - Parameters:
  ///   - logits: [pairs, pairs].
  ///   - labels: int32 or int64, [pairs].
  public static func loss(_ logits: Tensor, labels: Tensor) -> Tensor {
    let belongs = labels.expanded(1).equal(to: labels.expanded(0)).cast(to: .float32)
    let targets = belongs / belongs.sum([1], keepsAxes: true)
    let rows = crossEntropy(logits, probabilities: targets)
    return (rows + crossEntropy(logits.transposed(), probabilities: targets)) * 0.5
  }
}

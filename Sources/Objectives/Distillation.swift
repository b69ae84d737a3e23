public import Tensors

/// What a student minimises who learns from labels and from a teacher (DeiT: Touvron et al., arXiv:2012.12877).
public enum Distillation: Sendable, Hashable {
  /// (1 − λ) CE(own, labels) + λ τ² KL(teacher ‖ student), both distributions softened by the temperature τ (eq. 2).
  case soft(temperature: Double = 3, share: Double = 0.1)
  /// (1 − λ) CE(own, labels) + λ CE(distilled, what the teacher decides); the paper's λ is ½ (eq. 3).
  case hard(share: Double = 0.5)

  /// - Parameters:
  ///   - own: the student's logits [batch, classes] that labels teach.
  ///   - distilled: those that the teacher teaches: of a token of their own, or the same ones.
  ///   - labels: [batch], int32 or int64.
  ///   - teacher: the teacher's logits of the same pictures; no gradient reaches them.
  ///   - smoothing: of the labels alone.
  public func loss(
    own: Tensor, distilled: Tensor, labels: Tensor, teacher: Tensor, smoothing: Double = 0
  ) -> Tensor {
    let base = crossEntropy(own, labels, smoothing: smoothing)
    let teacher = teacher.stopped()
    switch self {
    case .soft(let temperature, let share):
      let student = (distilled * (1 / temperature)).logSoftmax(-1)
      let target = (teacher * (1 / temperature)).logSoftmax(-1)
      let divergence = klDivergence(student, target, isLogarithm: true)
      return base * (1 - share) + divergence * (share * temperature * temperature)
    case .hard(let share):
      return base * (1 - share) + crossEntropy(distilled, teacher.argmax(-1)) * share
    }
  }
}

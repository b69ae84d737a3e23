import Foundation
import Objectives
import Tensors
import TestSupport
import Testing

@Suite struct PairContrastTests {
  @Test func `Pairs that are alike cost the logarithm of their number`() {
    let loss = PairContrast.loss(.zeros([8, 8]))
    #expect(abs(loss.scalar - log(8)) < 1e-6)
    let perfect = Tensor.range(4).oneHot(4) * 5
    #expect(abs(PairContrast.loss(perfect).scalar - log(1 + 3 * exp(-5.0))) < 1e-6)
  }

  @Test func `Both sides count alike`() {
    let logits = RandomKey(seed: 1).normal([5, 5])
    #expect(distance(PairContrast.loss(logits.transposed()), PairContrast.loss(logits)) < 1e-6)
  }
}

@Suite struct DistillationTests {
  static let labels = Tensor([2, 0, 1] as [Int32])
  static let student = RandomKey(seed: 2).normal([3, 4], .float64)
  static let teacher = RandomKey(seed: 3).normal([3, 4], .float64)

  /// τ λ (p − q) of the softened distributions and (1 − λ) (p − y), a third each.
  @Test func `The soft loss has the gradient of its paper`() {
    let (x, temperature, share) = (Self.student, 3.0, 0.1)
    let loss = Distillation.soft(temperature: temperature, share: share)
      .loss(own: x, distilled: x, labels: Self.labels, teacher: Self.teacher)
    let slope = gradients(of: [loss], seeds: [loss.onesLike()], by: [x])[0]!
    let soft =
      ((x * (1 / temperature)).softmax() - (Self.teacher * (1 / temperature)).softmax())
      * (temperature * share)
    let hard = (x.softmax() - Self.labels.oneHot(4, .float64)) * (1 - share)
    #expect(distance(slope, (soft + hard) * (1.0 / 3)) < 1e-9)
  }

  @Test func `The hard loss believes the teacher's decision`() {
    let loss = Distillation.hard().loss(
      own: Self.student, distilled: Self.student, labels: Self.labels, teacher: Self.teacher)
    let expected =
      (crossEntropy(Self.student, Self.labels)
        + crossEntropy(Self.student, Self.teacher.argmax())) * 0.5
    #expect(distance(loss, expected) < 1e-12)
  }
}

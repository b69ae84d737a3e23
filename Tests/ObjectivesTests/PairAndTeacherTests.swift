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

@Suite struct LabelledPairContrastTests {
  static let logits = RandomKey(seed: 21).normal([4, 4])

  @Test func `Without equal labels it is the loss of pairs`() {
    let labels = Tensor([3, 1, 7, 2] as [Int32])
    let loss = PairContrast.loss(Self.logits, labels: labels)
    #expect(distance(loss, PairContrast.loss(Self.logits)) < 1e-6)
  }

  @Test func `All with one label cost at least the logarithm of their number`() {
    let labels = Tensor([5, 5, 5, 5] as [Int64])
    #expect(abs(PairContrast.loss(.zeros([4, 4]), labels: labels).scalar - log(4)) < 1e-6)
    #expect(PairContrast.loss(Self.logits, labels: labels).scalar > log(4))
  }

  @Test func `Those of one label share what is asked for`() {
    let labels = Tensor([0, 1, 0, 2] as [Int32])
    let (rows, columns) = (Self.logits.logSoftmax(1).doubles(), Self.logits.logSoftmax(0).doubles())
    let found = [[0, 2], [1], [0, 2], [3]]
    let sum = found.enumerated().map { i, own in
      own.map { rows[4 * i + $0] + columns[4 * $0 + i] }.reduce(0, +) / Double(own.count)
    }.reduce(0, +)
    #expect(abs(PairContrast.loss(Self.logits, labels: labels).scalar + sum / 8) < 1e-6)
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

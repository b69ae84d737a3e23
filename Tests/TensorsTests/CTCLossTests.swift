import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct CTCLossTests {
  /// What is left of an alignment: repeats joined, then blanks removed.
  private func collapsed(_ path: [Int], blank: Int) -> [Int] {
    path.indices.filter { path[$0] != blank && ($0 == 0 || path[$0 - 1] != path[$0]) }
      .map { path[$0] }
  }

  /// −log of the summed probability of all alignments, by trying them all.
  private func tried(_ logits: Tensor, _ target: [Int], blank: Int) -> Double {
    let (time, classes) = (logits.shape[0], logits.shape[1])
    let scores = logits.logSoftmax().doubles()
    var sum = 0.0
    for number in 0..<Int(pow(Double(classes), Double(time))) {
      var rest = number
      let path = (0..<time).map { _ -> Int in
        defer { rest /= classes }
        return rest % classes
      }
      guard collapsed(path, blank: blank) == target else { continue }
      sum += exp((0..<time).map { scores[$0 * classes + path[$0]] }.reduce(0, +))
    }
    return -log(sum)
  }

  @Test(arguments: [0, 2])
  func `It is the sum over all alignments`(blank: Int) {
    let logits = normal([4, 5, 3])
    let (a, b) = blank == 0 ? (1, 2) : (0, 1)
    let rows = [[a, b], [a, a], [b], []]
    let lengths = [5, 4, 3, 2]
    let loss = ctcLoss(
      logits, Tensor(rows.flatMap { ($0 + [7, 7]).prefix(2).map(Int32.init) }, shape: [4, 2]),
      lengths: Tensor(lengths.map(Int32.init)),
      targetLengths: Tensor(rows.map { Int32($0.count) }), blank: blank, reduction: .none
    ).doubles()
    for i in rows.indices {
      let valid = logits.element(0, i).sliced(0, 0..<lengths[i])
      #expect(abs(loss[i] - tried(valid, rows[i], blank: blank)) < 1e-12, "row \(i)")
    }
  }

  @Test(arguments: [LossReduction.none, .mean, .sum])
  func `Gradients are central differences`(reduction: LossReduction) {
    let targets = Tensor([Int32(1), 1, 2, 3, 2, 0], shape: [2, 3])
    checkDifferences(at: [normal([2, 5, 4])], order: 1) {
      ctcLoss(
        $0[0], targets, lengths: Tensor([Int32(5), 3]), targetLengths: Tensor([Int32(3), 2]),
        reduction: reduction)
    }
  }

  @Test func `The mean counts labels, and the sum does not`() {
    let (logits, targets) = (normal([2, 6, 4]), Tensor([Int32(1), 2, 3, 0], shape: [2, 2]))
    let lengths = Tensor([Int32(2), 1])
    func loss(_ reduction: LossReduction) -> Tensor {
      ctcLoss(logits, targets, targetLengths: lengths, reduction: reduction)
    }
    let rows = loss(.none).doubles()
    #expect(abs(loss(.sum).scalar - rows[0] - rows[1]) < 1e-12)
    #expect(abs(loss(.mean).scalar - (rows[0] / 2 + rows[1]) / 2) < 1e-12)
  }

  /// Two equal labels need three steps.
  @Test func `A row that is too short has an infinite loss, or none, and no gradient`() {
    let x = Tensor(Alias("x"), [normal([2, 2, 3])])
    let targets = Tensor([Int32(1), 1, 1, 2], shape: [2, 2])
    for (zeroes, expected) in [(false, Double.infinity), (true, 0)] {
      let loss = ctcLoss(x, targets, zeroesInfinity: zeroes, reduction: .none)
      let slope = gradients(of: [loss], seeds: [loss.onesLike()], by: [x])[0]!.doubles()
      #expect(loss.doubles()[0] == expected && loss.doubles()[1].isFinite)
      #expect(slope[..<6].allSatisfy { $0 == 0 } && slope[6...].allSatisfy { $0 != 0 })
    }
  }

  @Test func `Certain steps and long rows stay finite`() {
    let certain = Tensor([0, -.infinity, -.infinity, 0] as [Float], shape: [1, 2, 2])
    let x = Tensor(Alias("x"), [certain])
    let loss = ctcLoss(x, Tensor([Int32(1)], shape: [1, 1]))
    #expect(loss.scalar == 0)
    let long = ctcLoss(
      normal([1, 2000, 50]).cast(to: .float32), Tensor.fill(integer: 3, [1, 400], .int32))
    #expect(long.scalar.isFinite && long.scalar > 0)
  }
}

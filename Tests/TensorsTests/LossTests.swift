import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct LossTests {
  @Test func `Where every target is ignored the loss and its gradient are zero`() {
    let x = Tensor(Alias("x"), [normal([3, 4])])
    let loss = crossEntropy(x, Tensor([Int32(-100), -100, -100]))
    let slope = gradients(of: [loss], seeds: [loss.onesLike()], by: [x])[0]!
    #expect(loss.scalar == 0)
    #expect(slope.doubles().allSatisfy { $0 == 0 })
  }

  @Test func `Masked logits do not disturb ignored targets`() {
    let x = Tensor([-Float.infinity, 1, 0, 2], shape: [2, 2])
    let loss = crossEntropy(x, Tensor([Int32(-100), 1]))
    #expect(abs(loss.scalar - 0.126928) < 1e-5)
  }

  @Test func `Hard and soft targets agree`() {
    let (x, ids) = (normal([6, 5]), Tensor([Int32(0), 4, 2, 2, 1, 3]))
    let weights = normal([5], 3).exp()
    for smoothing in [0, 0.1] {
      let hard = crossEntropy(x, ids, weights: weights, smoothing: smoothing, reduction: .sum)
      let soft = crossEntropy(
        x, probabilities: ids.oneHot(5, .float64), weights: weights, smoothing: smoothing,
        reduction: .sum)
      #expect(isClose(hard, soft, 1e-12))
    }
  }

  @Test func `Logits of 16-bit floats give a loss in float32`() {
    let x = normal([6, 5]).cast(to: .bfloat16)
    #expect(crossEntropy(x, Tensor([Int32(0), 4, 2, 2, 1, 3])).dataType == .float32)
  }

  @Test func `Certain probabilities have a finite binary cross entropy`() {
    let p = Tensor(Alias("p"), [Tensor([Float(0), 1, 0, 1])])
    let loss = binaryCrossEntropy(p, Tensor([Float(0), 1, 1, 0]), reduction: .none)
    let slope = gradients(of: [loss], seeds: [loss.onesLike()], by: [p])[0]!
    #expect(loss.floats() == [0, 0, 100, 100])
    #expect(slope.isFinite().all().scalar == 1)
  }

  @Test func `Vectors of zeros have a similarity and a gradient`() {
    let x = Tensor(Alias("x"), [Tensor.zeros([2, 3])])
    let y = cosineSimilarity(x, .ones([2, 3]))
    let slope = gradients(of: [y], seeds: [y.onesLike()], by: [x])[0]!
    #expect(y.floats() == [0, 0])
    #expect(slope.isFinite().all().scalar == 1)
  }

  @Test func `The gradient of cross entropy is one sweep over the logits`() {
    let x = Tensor(Placeholder(TensorType([64, 32])), [])
    let ids = Tensor(Placeholder(TensorType([64], .int32)), [])
    let loss = crossEntropy(x, ids)
    let slope = gradients(of: [loss], seeds: [loss.onesLike()], by: [x])[0]!
    let program = Program.trace([loss, slope], arguments: [x, ids]).program
    let sweeps = Fusion.fuse(program).units.filter { $0.isCluster && $0.count == 64 * 32 }
    #expect(sweeps.count == 1, "\(program)")
  }

  @Test func `Gradients of losses agree with differences, twice`() {
    let (x, y) = (normal([4, 5]), normal([4, 5], 2))
    let ids = Tensor([Int64(3), 0, -100, 1])
    let weights = normal([5], 3).exp()
    checkDifferences(at: [x]) { crossEntropy($0[0], ids, weights: weights, smoothing: 0.1) }
    checkDifferences(at: [x, y]) { crossEntropy($0[0], probabilities: $0[1].softmax()) }
    checkDifferences(at: [x]) { binaryCrossEntropy(logits: $0[0], y.sigmoid()) }
    checkDifferences(at: [x, y]) { huberLoss($0[0], $0[1], delta: 0.7) }
    checkDifferences(at: [x, y]) { cosineSimilarity($0[0], $0[1]) }
    checkDifferences(at: [x, y]) {
      gaussianNegativeLogLikelihood($0[0], y, variance: $0[1].exp(), full: true)
    }
    checkDifferences(at: [x]) {
      poissonNegativeLogLikelihood($0[0], y.exp() * 3, full: true, reduction: .sum)
    }
    let signs = y.sign()
    checkDifferences(at: [x]) { marginRankingLoss($0[0], y, signs, margin: 0.2) }
  }
}

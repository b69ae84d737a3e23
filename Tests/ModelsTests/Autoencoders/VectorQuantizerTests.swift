import Foundation
import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

@Suite struct VectorQuantizerTests {
  private func quantizer(decay: Double?, leastUsage: Double = 0) -> VectorQuantizer {
    var quantizer = VectorQuantizer(
      codes: 6, width: 3, decay: decay, leastUsage: leastUsage, key: RandomKey(seed: 0))
    quantizer.codebook = RandomKey(seed: 1).normal([6, 3])
    return quantizer
  }

  @Test func `the encoder's gradient is that at the codes, plus the commitment's`() {
    var quantizer = quantizer(decay: nil)
    let x = RandomKey(seed: 2).normal([4, 2, 3])
    let weights = RandomKey(seed: 3).normal([4, 2, 3])
    let beta = 0.25
    let given = x * 1
    let result = quantizer(given, .inference)
    let loss = (result.vectors.square() * weights).sum() + result.commitment * beta
    let slope = gradients(of: [loss], seeds: [loss.onesLike()], by: [given])[0]!
    let nearest = quantizer.vectors(of: quantizer.codes(of: x))
    let expected = nearest * weights * 2 + (x - nearest) * (2 * beta / 24)
    #expect((slope - expected).abs().max().scalar < 1e-6)
    #expect((quantizer(x, .inference).vectors - nearest).abs().max().scalar < 1e-6)
  }

  @Test func `the codebook's gradient moves used codes alone, towards their vectors`() {
    let start = quantizer(decay: nil)
    let x = RandomKey(seed: 2).normal([4, 3])
    let (_, gradient) = valueAndGradient(at: start) { model in
      var model = model
      return model(x, .inference).codebookLoss!
    }
    let codes = start.codes(of: x).doubles().map { Int($0) }
    #expect(Set(codes).count < 6)
    let (slopes, book, vectors) = (
      gradient.codebook.doubles(), start.codebook.doubles(), x.doubles()
    )
    for code in 0..<6 {
      for k in 0..<3 {
        let expected = codes.indices.filter { codes[$0] == code }.map {
          2 * (book[3 * code + k] - vectors[3 * $0 + k]) / 12
        }.reduce(0, +)
        #expect(abs(slopes[3 * code + k] - expected) < 1e-6)
      }
    }
  }

  @Test func `codes are the nearest, even far from the origin`() {
    var quantizer = quantizer(decay: nil)
    let far = Tensor([1e3, -1e3, 1e3] as [Float], shape: [3])
    quantizer.codebook = quantizer.codebook + far
    let x = RandomKey(seed: 4).normal([50, 3]) + far
    let (book, vectors) = (quantizer.codebook.doubles(), x.doubles())
    let expected = (0..<50).map { i -> Double in
      let distances = (0..<6).map { code -> Double in
        (0..<3).reduce(0.0) { sum, k in
          let difference = vectors[3 * i + k] - book[3 * code + k]
          return sum + difference * difference
        }
      }
      return Double(distances.firstIndex(of: distances.min()!)!)
    }
    #expect(quantizer.codes(of: x).doubles() == expected)
  }

  @Test func `moving averages on fixed vectors end where Lloyd's algorithm ends`() {
    let centers: Tensor = RandomKey(seed: 5).normal([6, 1, 3], deviation: 4)
    let spread: Tensor = RandomKey(seed: 6).normal([6, 20, 3], deviation: 0.7)
    let x: Tensor = (centers + spread).flattened(0..<2).evaluated()
    var quantizer = quantizer(decay: 0.8, leastUsage: 0.5)
    for step in 0..<300 {
      _ = quantizer(x, .training(RandomKey(seed: UInt64(step))))
      quantizer = quantizer.evaluated()
    }
    let members = quantizer.codes(of: x).oneHot(6)
    let counts = members.sum([0])
    #expect(counts.min().scalar > 0)
    let means = matrixProduct(members.transposed(), x) / counts.expanded(1)
    #expect((means - quantizer.codebook).abs().max().scalar < 1e-4)
    let usage = counts.doubles().map { $0 / 120 }
    let entropy = -usage.map { $0 * log($0) }.reduce(0, +)
    let perplexity = quantizer.perplexity(of: quantizer.codes(of: x)).scalar
    #expect(abs(perplexity - exp(entropy)) < 1e-4 && perplexity <= 6)
    // Inference moves nothing.
    let before = quantizer.codebook.doubles()
    _ = quantizer(x * 2, .inference)
    #expect(quantizer.codebook.doubles() == before)
  }

  @Test func `codes that nothing falls to begin anew at given vectors`() {
    var quantizer = quantizer(decay: 0.9, leastUsage: 0.5)
    quantizer.codebook = quantizer.codebook + 100
    let x = RandomKey(seed: 7).normal([40, 3])
    _ = quantizer(x, .training(RandomKey(seed: 1)))
    let rows = stride(from: 0, to: 120, by: 3).map { Array(x.doubles()[$0..<$0 + 3]) }
    let book = quantizer.codebook.doubles()
    let isGiven = (0..<6).map { code in
      rows.contains { row in (0..<3).allSatisfy { abs(row[$0] - book[3 * code + $0]) < 1e-3 } }
    }
    // One code stood for all vectors.
    #expect(isGiven.count { $0 } >= 5)
    var one = VectorQuantizer(codes: 1, width: 3, decay: nil, key: RandomKey(seed: 0))
    let result = one(x, .inference)
    #expect(result.codes.doubles().allSatisfy { $0 == 0 })
    #expect((result.vectors - one.codebook).abs().max().scalar < 1e-6)
    #expect(abs(one.perplexity(of: result.codes).scalar - 1) < 1e-6)
  }

  @Test(arguments: [0.99, nil])
  func `a VQ-VAE has all its tensors, and only those that are trained`(
    _ decay: Double?
  ) {
    let model = VQVAE(
      .init(size: 8, channels: 2, filters: [4, 6], codes: 5, codeWidth: 3, decay: decay),
      key: RandomKey(seed: 0))
    #expect(forgottenTensors(in: model).isEmpty)
    let x = RandomKey(seed: 1).integers(below: 256, [3, 8, 8, 2])
    #expect(model.codes(of: x).shape == [3, 2, 2])
    #expect(model.pictures(of: model.codes(of: x)).shape == [3, 8, 8, 2])
    var trained = model
    let (loss, gradient) = valueAndGradient(updating: &trained) {
      QuantizedReconstruction()(&$0, x, .training(RandomKey(seed: 2))).loss
    }
    #expect(loss.scalar.isFinite)
    let names = Set(gradient.leaves.filter(\.isTrained).map(\.name))
    #expect(names.contains("quantize.weight") == (decay == nil))
    #expect(names.contains("encoder.0.weight"))
  }
}

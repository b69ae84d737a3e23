import Foundation
import Tensors
import TestSupport
import Testing

/// Clusters compute what their parts compute one by one.
@Suite struct FusionTests {
  typealias Formula = @Sendable (_ x: Tensor, _ settle: (Tensor) -> Tensor) -> [Tensor]

  struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    let shape: [Int]
    let formula: Formula
    init(_ name: String, _ shape: [Int] = [3, 4, 5, 6], _ formula: @escaping Formula) {
      (self.name, self.shape, self.formula) = (name, shape, formula)
    }
    var testDescription: String { name }
  }

  private static func operand(_ shape: [Int], _ seed: UInt64 = 21) -> Tensor {
    normal(shape, seed).cast(to: .float32)
  }

  static let broadcasts = [
    [], [1], [6], [1, 6], [5, 1], [5, 6], [4, 1, 1], [4, 1, 6], [4, 5, 1], [3, 1, 1, 1],
    [3, 1, 1, 6],
    [3, 1, 5, 1], [3, 4, 1, 1], [1, 4, 1, 6], [3, 1, 5, 6], [3, 4, 1, 6], [3, 4, 5, 1],
    [1, 1, 1, 1],
    [3, 4, 5, 6],
  ]

  static let examples: [Example] =
    broadcasts.map { shape in
      Example("broadcast of \(shape)") { x, settle in
        let b = operand(shape)
        let scaled = settle(settle(b * 2) + 1)
        return [settle(settle(settle(x * scaled) - b).tanh())]
      }
    } + [
      Example("reshapes in between") { x, settle in
        let rows = settle(settle(x.exp()).reshaped([12, 30]) * operand([30]))
        let columns = settle(rows.reshaped([3, 4, 30]) + operand([4, 1], 3))
        return [settle(columns.reshaped([3, 4, 5, 6]) * operand([3, 1, 1, 1], 4))]
      },
      Example("parts along the last axis") { x, settle in
        let parts = settle(x * 3).split(-1, into: 2)
        return [settle(settle(parts[0].sigmoid()) * parts[1])]
      },
      Example("parts along a middle axis") { x, settle in
        let a = settle(settle(x.exp()).sliced(1, 1..<3) - operand([2, 1, 1]))
        let b = settle(settle(x.square()).sliced(1, 0..<2) * 0.5)
        return [settle(a + b), settle(concatenate([a, settle(b.relu())], axis: 1))]
      },
      Example("concatenated along the last axis") { x, settle in
        let joined = settle(
          concatenate([settle(x + 1), settle(x * 2), operand([3, 4, 5, 1])], axis: -1))
        return [joined, settle(joined * 2)]
      },
      Example("rows that end in sums", [7, 40]) { x, settle in
        let y = settle(settle(x * operand([40])).exp())
        return [settle(y.sum([-1])), settle(settle(y * 2).max([-1])), settle(y.min([1]))]
      },
      Example("sums over the last two axes") { x, settle in
        [settle(settle(x.square() * operand([5, 6])).sum([2, 3])), settle(x.sum([0, 1]))]
      },
      Example("a normalised row", [9, 33]) { x, settle in
        let centred = settle(x - settle(x.mean([-1], keepsAxes: true)))
        let scale = settle(
          settle(settle(centred.square()).mean([-1], keepsAxes: true) + 1e-5).rsqrt())
        return [settle(settle(centred * scale) * operand([33]))]
      },
      Example("one value read by many", [5, 7]) { x, settle in
        let y = settle(x.exp())
        return [settle(y + 1), settle(y * y), settle(settle(y - x).relu()), y]
      },
      Example("conditions and casts", [11, 13]) { x, settle in
        let isPositive = settle(x.greater(than: 0))
        let counts = settle(settle(isPositive.cast(to: .int32)).sum([1]))
        // Within a cluster 16-bit floats are float32, so only what is cast is rounded in the same places.
        let half = settle(x.cast(to: .bfloat16))
        return [
          settle(select(isPositive, x, settle(x * 0.1))), counts, settle(half.cast(to: .float32)),
        ]
      },
      Example("indices", [4, 6]) { x, settle in
        let columns = settle(Tensor.indices([4, 6], axis: 1).cast(to: .float32))
        return [
          settle(settle(x * columns) + settle(Tensor.indices([4, 6], axis: 0).cast(to: .float32)))
        ]
      },
      Example("a transposed operand", [6, 8]) { x, settle in
        [settle(settle(settle(x.transposed()).exp()) + operand([8, 1]))]
      },
      Example("nothing at all", [3, 0, 4]) { x, settle in [settle(settle(x + 1).exp())] },
    ]

  @Test(arguments: examples)
  func `Clusters compute what single operations do`(_ example: Example) {
    let x = Self.operand(example.shape, 5)
    let fused = example.formula(x) { $0 }
    // Reading a value ends a cluster.
    let single = example.formula(Tensor(x.floats(), shape: x.shape)) { tensor in
      _ = tensor.bytes()
      return tensor
    }
    for (a, b) in zip(fused, single) {
      #expect(a.type == b.type)
      #expect(distance(a, b) < 2e-6)
    }
  }

  @Test(arguments: examples.filter { $0.name != "conditions and casts" })
  func `Gradients through clusters compute what single operations do`(_ example: Example) {
    func slope(_ settle: (Tensor) -> Tensor) -> Tensor {
      let x = Tensor(Alias("x"), [Self.operand(example.shape, 5)])
      let outputs = example.formula(x, settle)
      let seeds = outputs.enumerated().map { Self.operand($1.shape, UInt64($0) + 40) }
      return gradients(of: outputs, seeds: seeds, by: [x])[0] ?? x.zerosLike()
    }
    let exact = {
      let x = Tensor(Alias("x"), [Self.operand(example.shape, 5)])
      let outputs = example.formula(x) { $0 }
      // One output at a time: the same sum, cut into other clusters.
      let slopes = outputs.enumerated().compactMap { i, y in
        gradients(of: [y], seeds: [Self.operand(y.shape, UInt64(i) + 40)], by: [x])[0]
      }
      let parts = slopes.map { Tensor($0.doubles(), shape: x.shape) }
      return parts.dropFirst().reduce(parts[0], +)
    }()
    #expect(distance(slope { $0 }, exact) < 3e-6)
  }
}

@Suite struct EvaluationTests {
  @Test func `What somebody holds keeps its value`() {
    let x = Tensor([1, 2, 3] as [Float])
    let y = x * 2
    let z = y + 1
    #expect(z.floats() == [3, 5, 7])
    #expect(y.node.isComputed)
    #expect(y.floats() == [2, 4, 6])
    #expect((y * z).floats() == [6, 20, 42])
  }

  @Test func `Long chains neither overflow nor change`() {
    var x = Tensor([0] as [Double])
    for _ in 0..<5_000 { x = x + 1 }
    #expect(x.doubles() == [5_000])
    var unread = Tensor([0] as [Double])
    for _ in 0..<100_000 { unread = unread + 1 }
    unread = Tensor(0)
    #expect(unread.scalar == 0)
  }

  @Test func `A part is not written over a smaller operand whose memory is free`() {
    // Operands that nobody else holds: their memory may become the result's.
    let (a, b) = ([Float](repeating: 1, count: 66), [Float](repeating: 2, count: 66))
    let joined = concatenate(
      [
        Tensor(a, shape: [2, 33]) + 1, Tensor(b, shape: [2, 33]) * 3,
        Tensor(a, shape: [2, 33]) * 5,
      ])
    #expect(
      joined.floats() == [2, 6, 5].flatMap { [Float](repeating: $0, count: 66) })
  }

  @Test func `Values read in between change nothing`() {
    let x = normal([50])
    func f(_ reads: Bool) -> [Double] {
      let y = x.exp()
      if reads { _ = y.doubles() }
      let z = y * x
      if reads { _ = z.sum().scalar }
      return (z + y).doubles()
    }
    #expect(f(true) == f(false))
  }

  @Test func `Threads change no bit of a training step`() {
    func step() -> [[UInt8]] {
      let x = normal([8, 12, 12, 5]).cast(to: .float32)
      let weights = [normal([16, 5, 3, 3], 2), normal([16 * 36, 10], 3)].map {
        Tensor(Alias("w"), [$0.cast(to: .float32) * 0.1])
      }
      let y = maxPooling(convolution(x, weights[0], padding: .same).gelu(), size: [2])
      let logits = matrixProduct(y.reshaped([8, -1]), weights[1])
      let loss = -logits.logSoftmax().sliced(1, 3..<4).mean()
      let slopes = gradients(of: [loss], seeds: [Tensor(1)], by: weights).map { $0! }
      let updated = zip(weights, slopes).map { $0 - $1 * 0.1 }
      return ([loss] + slopes + updated).map { $0.bytes() }
    }
    let before = Threads.count
    defer { Threads.count = before }
    let results = [1, 2, 3].map { count in
      Threads.count = count
      return step()
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
    Threads.count = 0
    #expect(Threads.count == 1)
  }
}

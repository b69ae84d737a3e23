import Tensors
import TestSupport
import Testing
import XLA

/// Structured primitives on a plugin against the CPU, with gradients and gradients of gradients: several shapes, among
/// them empty ones, of every element type that they take.
@Suite(.ifPluginIsInstalled) struct StructuredPrimitiveTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let shapes: [[Int]]
    let types: [DataType]
    let f: @Sendable ([Tensor]) -> [Tensor]

    init(
      _ name: String, _ shapes: [[Int]], _ types: [DataType] = [.float32, .float64, .bfloat16],
      _ f: @escaping @Sendable ([Tensor]) -> [Tensor]
    ) {
      (testDescription, self.shapes, self.types, self.f) = (name, shapes, types, f)
    }
  }

  static let floats: [DataType] = [.float32, .float64]
  static let numbers: [DataType] = [.float32, .float64, .int32, .int64]
  static let all = DataType.allCases

  @Test(arguments: shapeCases + sumCases + productCases + normCases)
  func `A primitive is the CPU's`(_ c: Case) throws {
    for type in c.types {
      let points = c.shapes.enumerated().map { i, shape in
        let x = RandomKey(seed: UInt64(i + 1)).normal(shape, .float64)
        return type.isFloatingPoint ? x.cast(to: type) : (x * 3).abs().floor().cast(to: type)
      }
      #expect(try deviceProblems(on: .xla(plugin: "cpu"), at: points, c.f) == [], "\(type)")
    }
  }

  static let shapeCases: [Case] = [
    Case("reshape, transpose, broadcast", [[2, 3, 1], [0, 3, 1], [1, 1, 1]], all) { x in
      x.flatMap {
        [
          $0.transposed([2, 0, 1]), $0.reshaped([-1, 3 * $0.shape[0] == 0 ? 3 : $0.count]),
          $0.broadcast(to: [$0.shape[0], $0.shape[1], 5]),
        ]
      }
    },
    Case("slices, reversed and with steps", [[5, 4], [1, 4], [3, 7]], all) { x in
      x.flatMap {
        [
          $0.sliced(1, 1..<3), $0.strided(1, from: 1, by: 2), $0.reversed(1), $0.sliced(0, 0..<0),
        ]
      }
    },
    Case("split and concatenate", [[4, 6], [4, 1], [4, 0]], all) { x in
      x[0].split(1, sizes: [1, 0, 5]) + [concatenate(x, axis: 1), concatenate([x[1], x[1]])]
    },
    Case("padding", [[3, 4], [0, 2]], all) { x in
      x.map { $0.padded([(1, 2), (0, 3)]) }
    },
    Case("indices and fills", [[2, 3]], all) { x in
      [Tensor.indices([2, 3], axis: 1, .int32), Tensor.indices([0], axis: 0, .int64)]
        + [x[0].onesLike(), x[0].zerosLike()]
    },
    Case("sum across devices of one device", [[3]], floats) { [$0[0].sumAcrossDevices() * $0[0]] },
  ]

  static let sumCases: [Case] = [
    Case("sums and products", [[3, 5, 2], [0, 5, 2], [1, 1, 1]], numbers) { x in
      x.flatMap { t in [[0], [1], [2], [0, 2], [0, 1, 2]].flatMap { [t.sum($0), t.product($0)] } }
    },
    Case("extremes", [[3, 5, 2], [1, 1, 1]], numbers) { x in
      x.flatMap { t in
        [[0], [1], [0, 1, 2]].flatMap { [t.max($0), t.min($0)] } + [t.argmax(1), t.argmin(0)]
      }
    },
    Case("all and any", [[3, 5], [0, 5]], [.bool]) { x in
      x.flatMap { [$0.all([1]), $0.any([0]), $0.all(), $0.any()] }
    },
    Case("sums of squares", [[7, 3]], floats) { [$0[0].square().sum()] },
    Case("running sums", [[3, 5], [0, 5], [2, 1]], numbers) { x in
      x.flatMap { [$0.cumulativeSum(), $0.cumulativeSum(0, exclusive: true, reverse: true)] }
    },
    Case("sort", [[3, 7], [0, 3], [4, 1]], numbers) { x in
      x.flatMap { t in
        let (values, positions) = t.sortedWithPositions(1, descending: true)
        return [values, positions, t.sorted(0), t.topK(1).values]
      }
    },
    Case("rows by number", [[4, 3]]) { x in
      let ids = Tensor([3, 0, 0, -2, 9, 1] as [Int32], shape: [2, 3])
      return [
        x[0].rows(ids), x[0].rows(ids.cast(to: .int64)), x[0].rows(Tensor([Int32](), shape: [0])),
      ]
    },
    Case("elements by number", [[3, 5]]) { x in
      let ids = Tensor([4, 0, 2, -1, 7, 7] as [Int32], shape: [3, 2])
      return [x[0].takeAlong(1, ids), x[0].takeAlong(1, ids.sliced(1, 0..<1))]
    },
    Case("sums by number", [[2, 3]], floats) { x in
      let ids = Tensor([2, 0, 9, -1, 2, 1] as [Int32], shape: [2, 3])
      return [
        Tensor(ScatterAdd(rows: 4), [ids, x[0]]),
        Tensor(ScatterAddAlong(axis: 1, size: 4), [ids, x[0]]),
      ]
    },
  ]

  static let productCases: [Case] = [
    Case("matrix products", [[3, 4], [4, 5], [2, 3, 4], [2, 5, 4], [3, 0], [0, 2]]) { x in
      [
        matrixProduct(x[0], x[1]), matrixProduct(x[2], x[3].transposed()),
        matrixProduct(x[4], x[5]), matrixProduct(x[0].sliced(0, 0..<1), x[1]),
      ]
    },
    Case("convolutions", [[2, 7, 6, 4], [6, 4, 3, 3], [6, 2, 3, 2], [4, 1, 2, 2]]) { x in
      [
        convolution(x[0], x[1], stride: [2, 1], padding: .each(low: [1, 0], high: [1, 2])),
        convolution(x[0], x[2], dilation: [2, 1], groups: 2),
        convolution(x[0], x[3], groups: 4),
      ]
    },
    Case("convolutions of one axis", [[2, 9, 3], [5, 3, 4]]) { x in
      [convolution(x[0], x[1], stride: [3], padding: .each(low: [2], high: [1]))]
    },
    Case("attention", [[2, 5, 4, 3], [2, 7, 2, 3], [2, 7, 2, 3]], [.float32]) { x in
      [
        attention(x[0], x[1], x[2]), attention(x[0], x[1], x[2], causal: true),
        attention(x[0], x[1], x[2], causal: true, window: 2),
      ]
    },
    Case("packed attention with a mask", [[2, 5, 6, 4], [5, 5]], [.float32]) { x in
      [attention(packed: x[0], mask: x[1])]
    },
  ]

  static let normCases: [Case] = [
    Case("softmax", [[3, 5], [1, 1], [0, 4], [2, 3, 129]]) { x in
      x.flatMap { [$0.softmax(), $0.logSoftmax(0), $0.logSumExp()] }
    },
    Case("layer and RMS norms", [[3, 8], [8], [8], [0, 8]]) { x in
      [
        layerNorm(x[0], weight: x[1], bias: x[2]), layerNorm(x[0]), rmsNorm(x[0], weight: x[1]),
        layerNorm(x[3], weight: x[1]),
      ]
    },
    Case("group and instance norms", [[2, 3, 3, 4], [4], [4]]) { x in
      [
        groupNorm(x[0], groups: 2, weight: x[1], bias: x[2]), instanceNorm(x[0]),
        groupNorm(x[0], groups: 4, weight: x[1], bias: x[2], activation: .silu),
      ]
    },
    Case("pooling", [[2, 7, 6, 3]]) { x in
      [
        maxPooling(
          x[0], size: [3, 2], stride: [2, 2], padding: .each(low: [1, 0], high: [1, 0])),
        averagePooling(
          x[0], size: [2, 3], stride: [1, 2], padding: .each(low: [1, 1], high: [0, 1])),
      ]
    },
    Case("batch norm", [[2, 3, 3, 4], [4], [4], [2, 3, 3, 4]]) { x in
      let (y, mean, variance) = batchNorm(
        x[0], weight: x[1], bias: x[2], residual: x[3], activation: .relu)
      return [y, mean, variance]
    },
    Case("cross entropy", [[5, 7]]) { x in
      [crossEntropy(x[0], Tensor([0, 6, 3, 3, 1] as [Int32]))]
    },
  ]

  @Test func `Random numbers are the same bits`() throws {
    let device = try Device.xla(plugin: "cpu")
    for count in [0, 1, 3, 4, 1001] {
      let key = RandomKey(seed: 3)
      func draws() -> [Tensor] {
        [
          Tensor(Random(.bits, TensorType([count], .int32)), [Tensor([Int64(3)], shape: [])]),
          key.fork(1).uniform([count]), key.fork(2).uniform([count], .float64),
          key.fork(3).integers(below: 10, [count]),
        ]
      }
      let here = draws().map { $0.bytes() }
      #expect(device.run { draws().map { $0.bytes() } } == here, "\(count) numbers")
      #expect(
        try deviceProblems(on: device, at: [], order: 0) { _ in
          [key.normal([count]), key.normal([count], .float64)]
        } == [])
    }
  }

  @Test(arguments: [false, true], [ScanMemory.everything, .carryOnly])
  func `Loops are the CPU's`(_ isReversed: Bool, _ memory: ScanMemory) throws {
    let points = [normal([2, 3]), normal([4, 2, 3], 2), normal([3, 3], 3)]
    let problems = try deviceProblems(on: .xla(plugin: "cpu"), at: points) { x in
      let result = Scan.run(
        carry: [x[0]], stacks: [x[1]], length: 4, isReversed: isReversed, memory: memory
      ) { carry, slices in
        let next = (matrixProduct(carry[0], x[2]) + slices[0]).tanh()
        return ([next], [next.square()])
      }
      return result.carry + result.outputs
    }
    #expect(problems == [])
  }
}

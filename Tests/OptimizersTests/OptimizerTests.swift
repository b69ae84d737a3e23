import Foundation
import Layers
import Optimizers
import Tensors
import Testing

/// Ten steps from (0.5, −0.25) along g_t = (cos t, 0.3 sin 2t + 0.1), in float64.
@Suite struct OptimizerTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let expected: [Double]
    let make: @Sendable (Tensor) -> any Optimizer<Tensor>
    var clipsToNormOne = false
    var testDescription: String { name }

    init(
      _ name: String, _ a: Double, _ b: Double, clipsToNormOne: Bool = false,
      _ make: @escaping @Sendable (Tensor) -> any Optimizer<Tensor>
    ) {
      self.name = name
      expected = [a, b]
      self.make = make
      self.clipsToNormOne = clipsToNormOne
    }
  }

  static let start = Tensor([0.5, -0.25], shape: [1, 2])

  static func gradient(_ t: Int) -> [Double] {
    [cos(Double(t)), 0.3 * sin(2 * Double(t)) + 0.1]
  }

  /// Values of torch.optim and timm.
  static let rows = [
    Row("SGD", 0.64174477, -0.36939517) { SGD(for: $0, learningRate: 0.1) },
    Row("SGD with momentum and decay", 0.79488476, -0.71529592) {
      SGD(for: $0, learningRate: 0.1, momentum: 0.9, weightDecay: 0.01)
    },
    Row("Nesterov", 0.92877925, -0.80183905) {
      SGD(for: $0, learningRate: 0.1, momentum: 0.9, isNesterov: true)
    },
    Row("Adam", 0.54697363, -0.74012364) { Adam(for: $0, learningRate: 0.1) },
    Row("Adam with decay", 0.48884087, -0.61127436) {
      Adam(for: $0, learningRate: 0.1, weightDecay: 0.1)
    },
    Row("AdamW", 0.50015562, -0.69246831) { AdamW(for: $0, learningRate: 0.1, weightDecay: 0.1) },
    Row("AMSGrad", 0.54697363, -0.74010925) { Adam(for: $0, learningRate: 0.1, isAMSGrad: true) },
    Row("Adamax", 0.49892503, -0.60285257) { Adamax(for: $0, learningRate: 0.1) },
    Row("NAdam", 0.60825956, -0.60038805) { NAdam(for: $0, learningRate: 0.1) },
    Row("RAdam", 0.54600646, -0.34203049) { RAdam(for: $0, learningRate: 0.1) },
    Row("Adagrad", 0.56289597, -0.45932828) { Adagrad(for: $0, learningRate: 0.1) },
    Row("Adadelta", 0.50945374, -0.26348160) {
      Adadelta(for: $0, learningRate: 1, smoothing: 0.95)
    },
    Row("RMSprop of PyTorch", 0.91224153, -3.40154708) {
      RMSprop(for: $0, learningRate: 0.1, smoothing: 0.9, epsilon: 1e-3, momentum: 0.9)
    },
    Row("RMSprop of TensorFlow", 0.84679003, -0.82652722) {
      RMSprop(
        for: $0, learningRate: 0.1, smoothing: 0.9, epsilon: 1e-3, momentum: 0.9,
        form: .tensorFlow)
    },
    Row("LAMB", 0.60018285, -0.86249591, clipsToNormOne: true) {
      LAMB(for: $0, learningRate: 0.1, weightDecay: 0.01)
    },
    Row("LARS", 0.50022105, -0.25029095) { LARS(for: $0, learningRate: 0.1, weightDecay: 0.01) },
    Row("Lion", 0.51499254, -0.26742154) { Lion(for: $0, learningRate: 0.01, weightDecay: 0.1) },
  ]

  @Test(arguments: rows) func `Ten steps end where the published optimizers end`(row: Row) {
    func run(_ first: some Optimizer<Tensor>) {
      var (weight, optimizer) = (Self.start, first)
      for t in 1...10 {
        var slope = Self.gradient(t)
        let norm = slope.map { $0 * $0 }.reduce(0, +).squareRoot()
        if row.clipsToNormOne, norm > 1 { slope = slope.map { $0 / norm } }
        optimizer.update(&weight, along: Tensor(slope, shape: [1, 2]))
      }
      for (value, expected) in zip(weight.doubles(), row.expected) {
        #expect(abs(value - expected) < 6e-9, "\(row.name): \(value), not \(expected)")
      }
    }
    run(row.make(Self.start))
  }

  @Test(arguments: rows) func `A compiled step is the same as one that is not compiled`(row: Row) {
    func run<O: Optimizer<Tensor>>(_ first: O) {
      let step = compiled { (state: inout Pair<Tensor, O>, slope: Tensor) in
        state.second.update(&state.first, along: slope)
        return Nothing()
      }
      var plain = Pair(Self.start, first)
      var fast = plain
      for t in 1...4 {
        let slope = Tensor(Self.gradient(t), shape: [1, 2])
        plain.second.update(&plain.first, along: slope)
        _ = step(&fast, slope)
        for (a, b) in zip(plain.leaves, fast.leaves) {
          #expect(
            a.tensor.bytes() == b.tensor.bytes(), "\(row.name), step \(t): \(a.name) differs")
        }
      }
      #expect(step.programCount == 1)
    }
    run(row.make(Self.start))
  }

  @Test(arguments: rows) func `A copy of an optimizer is a snapshot`(row: Row) {
    func run<O: Optimizer<Tensor>>(_ first: O) {
      let step = compiled { (state: inout Pair<Tensor, O>, slope: Tensor) in
        state.second.update(&state.first, along: slope)
        return Nothing()
      }
      func advance(_ state: inout Pair<Tensor, O>, _ times: ClosedRange<Int>) {
        for t in times { _ = step(&state, Tensor(Self.gradient(t), shape: [1, 2])) }
      }
      var state = Pair(Self.start, first)
      advance(&state, 1...3)
      var kept = state
      let before = kept.tensors.map { $0.bytes() }
      advance(&state, 4...6)
      #expect(kept.tensors.map { $0.bytes() } == before, "\(row.name) changed a copy")
      // The copy goes the same way from there.
      advance(&kept, 4...6)
      #expect(kept.tensors.map { $0.bytes() } == state.tensors.map { $0.bytes() })
    }
    run(row.make(Self.start))
  }

  @Test func `An update of AdamW is one sweep over each tensor, written in place`() {
    let type = TensorType([30, 50])
    let weight = Tensor(Placeholder(type), [])
    var optimizer = AdamW(for: weight, weightDecay: 0.1)
    optimizer = optimizer.mapTensors { Tensor(Placeholder($0.type), []) }
    let arguments = [weight] + optimizer.tensors
    let operands = [TensorType([30, 8]), TensorType([8, 50])].map { Tensor(Placeholder($0), []) }
    var moved = weight
    Evaluation.$mode.withValue(.trace) {
      optimizer.update(&moved, along: matrixProduct(operands[0], operands[1]))
    }
    let program = Program.trace([moved] + optimizer.tensors, arguments: arguments + operands)
      .program
    let sweeps = Fusion.fuse(program).units.filter { $0.isCluster && $0.count == type.count }
    #expect(sweeps.count == 1, "\(program)")
    #expect(CPUProgram(program).donations.allSatisfy { $0 != nil })
  }
}

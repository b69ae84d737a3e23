import Foundation
import Layers
import Optimizers
import Tensors
import Testing

/// A weight, a bias, a running mean and a count.
private struct Layer: Module {
  var weight = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
  var bias = Tensor([1, 2] as [Float])
  var runningMean = Tensor([5, 6] as [Float])
  var count = Tensor([7] as [Int64])

  mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.buffer("running_mean", &runningMean)
    visitor.buffer("num_batches_tracked", &count)
  }
}

@Suite struct AveragesAndClippingTests {
  @Test func `An average takes floats along and copies integers`() {
    var average = MovingAverage(of: Layer(), decay: 0.75)
    var newer = Layer()
    newer.weight = newer.weight + 4
    newer.runningMean = newer.runningMean * 2
    newer.count = Tensor([9] as [Int64])
    average.update(toward: newer)
    #expect(average.model.weight.floats() == [2, 3, 4, 5])
    #expect(average.model.bias.floats() == [1, 2])
    #expect(average.model.runningMean.floats() == [6.25, 7.5])
    #expect(average.model.count.integers() == [9])
    average.update(toward: newer)
    #expect(average.model.weight.floats() == [2.75, 3.75, 4.75, 5.75])
    #expect(
      average.leaves.map(\.name) == [
        "num_updates", "model.weight", "model.bias", "model.running_mean",
        "model.num_batches_tracked",
      ])
  }

  @Test func `A warmed up average forgets its beginning`() {
    var average = MovingAverage(of: Tensor(0, .float64), decay: 0.5, warmsUp: true)
    var (expected, kept) = (0.0, [Double]())
    for n in 0..<20 {
      let decay = min(0.5, (1 + Double(n)) / (10 + Double(n)))
      expected = decay * expected + (1 - decay) * Double(n)
      kept.append(decay)
      average.update(toward: Tensor(Double(n), .float64))
      #expect(abs(average.model.scalar - expected) < 1e-12)
    }
    #expect(kept.first == 0.1 && kept.last == 0.5)
  }

  @Test func `Clipping by the norm keeps the direction and leaves small gradients and buffers`() {
    let layer = Layer()
    let (clipped, norm) = layer.clipped(toGlobalNorm: 1)
    let expected = Float((1 + 4 + 9 + 16 + 1 + 4) as Double).squareRoot()
    #expect(abs(Float(norm.scalar) - expected) < 1e-5)
    #expect(abs(clipped.globalNorm.scalar - 1) < 1e-5)
    #expect(abs(clipped.weight.floats()[3] - 4 / expected) < 1e-5)
    #expect(clipped.runningMean.floats() == [5, 6])
    #expect(layer.clipped(toGlobalNorm: 100).gradient.weight.floats() == [1, 2, 3, 4])
  }

  @Test func `Clipping by value moves numbers into the range`() {
    let clipped = (Layer().mapTensors { $0.dataType == .float32 ? -$0 : $0 }).clipped(toValues: 2)
    #expect(clipped.weight.floats() == [-1, -2, -2, -2])
    #expect(clipped.runningMean.floats() == [-5, -6])
  }

  @Test func `Moments are saved under the model's names`() {
    let optimizer = AdamW(for: Layer(), isAMSGrad: true)
    let names = Set(optimizer.leaves.map(\.name))
    #expect(
      names.isSuperset(of: [
        "learning_rate", "step", "exp_avg.weight", "exp_avg.bias", "exp_avg_sq.weight",
        "max_exp_avg_sq.bias",
      ]))
    #expect(optimizer.leaves.allSatisfy { $0.isBuffer })
  }

  @Test func `A decay rule spares vectors and the names it is given`() {
    var (layer, zero) = (Layer(), Layer().mapTensors { $0.zerosLike() })
    zero.count = layer.count
    var optimizer = SGD(for: layer, learningRate: 1, weightDecay: 0.5, decays: .matrices)
    optimizer.update(&layer, along: zero)
    #expect(layer.weight.floats() == [0.5, 1, 1.5, 2])
    #expect(layer.bias.floats() == [1, 2])
    #expect(layer.runningMean.floats() == [5, 6])
    let named = Dictionary(uniqueKeysWithValues: Pair(layer, layer).leaves.map { ($0.name, $0) })
    let rule = DecayRule.matrices(except: "second")
    #expect(rule.applies(to: named["first.weight"]!))
    #expect(!rule.applies(to: named["second.weight"]!))
    #expect(!rule.applies(to: named["first.bias"]!))
  }

  @Test func `Scaled rates move each tensor its own part of the way`() {
    var layer = Layer()
    let ones = Layer().mapTensors { $0.dataType == .float32 ? $0.onesLike() : $0 }
    let scales = ["weight": 0.5, "bias": 0]
    var optimizer = ScaledRates(SGD(for: layer, learningRate: 1), of: layer) { scales[$0] ?? 1 }
    optimizer.update(&layer, along: ones)
    #expect(layer.weight.floats() == [0.5, 1.5, 2.5, 3.5])
    #expect(layer.bias.floats() == [1, 2])
    #expect(layer.count.integers() == [7])
    #expect(
      (0...4).map { layerwiseScale(0.5, layers: 3, depth: $0) } == [0.0625, 0.125, 0.25, 0.5, 1])
  }

  @Test func `A new learning rate does not make a new program`() {
    let step = compiled { (state: inout Pair<Tensor, SGD<Tensor>>, slope: Tensor) in
      state.second.update(&state.first, along: slope)
      return Nothing()
    }
    let start = Tensor([1, 1] as [Float])
    var state = Pair(start, SGD(for: start, learningRate: 1))
    for (rate, expected) in [(0.5, 0.5), (0.25, 0.25), (0, 0.25)] as [(Double, Float)] {
      state.second.setLearningRate(rate)
      _ = step(&state, Tensor([1, 1] as [Float]))
      #expect(state.first.floats() == [expected, expected])
    }
    #expect(step.programCount == 1)
  }
}

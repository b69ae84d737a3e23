import Layers
import Tensors
import TestSupport
import Testing
import XLA

/// A step on several devices is the step on one.
@Suite(.ifPluginIsInstalled) struct DataParallelTests {
  struct Network: Module {
    var weight: Tensor
    var bias: Tensor
    mutating func visit(_ visitor: inout Visitor) {
      visitor("weight", &weight)
      visitor("bias", &bias)
    }
  }
  struct Batch: Module {
    var x: Tensor
    var rate: Tensor
    mutating func visit(_ visitor: inout Visitor) {
      visitor("x", &x)
      visitor("rate", &rate)
    }
  }

  @Sendable private static func step(_ state: inout Network, _ batch: Batch) -> Tensor {
    let (loss, gradient) = valueAndGradient(at: state) { model in
      (matrixProduct(batch.x, model.weight) + model.bias).tanh().square().mean()
    }
    let mean = gradient.meanAcrossDevices()
    state = state.zipTensors(mean) { $0 - $1 * batch.rate }
    return loss.meanAcrossDevices()
  }

  private let start = Network(
    weight: normal([5, 3]).cast(to: .float32), bias: normal([3], 2).cast(to: .float32))
  private let batch = Batch(
    x: normal([8, 5], 3).cast(to: .float32), rate: Tensor([0.5 as Float], shape: []))

  @Test(arguments: [1, 2, 4]) func `A step on several devices is the CPU's`(_ count: Int) throws {
    let device = try Device.xla(plugin: "cpu", devices: 0..<count)
    #expect(device.replicaCount == count)
    let step = compiled(Self.step)
    var (one, many) = (start, start)
    for _ in 0..<5 {
      let loss = step(&one, batch)
      let shared = try step(&many, batch, on: device)
      #expect(distance(shared, loss) < 1e-6)
    }
    #expect(distance(many.weight, one.weight) < 1e-6)
    #expect(distance(many.bias, one.bias) < 1e-6)
  }

  @Test func `Many launches of several devices do not wait for each other for ever`() throws {
    let device = try Device.xla(plugin: "cpu", devices: 0..<2)
    let step = compiled(Self.step)
    var state = start
    for _ in 0..<200 { _ = try step(&state, batch, on: device) }
    try device.synchronize()
    let isFinite = state.weight.floats().allSatisfy(\.isFinite)
    #expect(isFinite)
  }

  @Test func `A batch that cannot be split is refused, and the state stays`() throws {
    let device = try Device.xla(plugin: "cpu", devices: 0..<3)
    let step = compiled(Self.step)
    var state = start
    #expect(throws: ShapeError.self) { try step(&state, batch, on: device) }
    #expect(state.weight.floats() == start.weight.floats())
  }

  @Test func `The gradient of a sum across devices is one too`() throws {
    let device = try Device.xla(plugin: "cpu", devices: 0..<2)
    // On two devices Σ (x₀ + x₁)² over both: its slope by x₀ is 2 · 2 (x₀ + x₁).
    let slope = compiled { (state: inout Nothing, x: Tensor) -> Tensor in
      valueAndGradient(at: x) { $0.sumAcrossDevices().square().sum() }.gradient
    }
    var nothing = Nothing()
    let x = Tensor([1, 2] as [Float])
    #expect(try slope(&nothing, x, on: device).floats() == [12])
    let alone = slope(&nothing, x).floats()
    #expect(alone == [2, 4])
  }
}

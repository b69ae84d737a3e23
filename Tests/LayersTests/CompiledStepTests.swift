import Layers
import Tensors
import TestSupport
import Testing

@Suite struct CompiledStepTests {
  struct Weights: Module {
    var weight: Tensor
    var momentum: Tensor?
    mutating func visit(_ visitor: inout Visitor) {
      visitor("weight", &weight)
      visitor("momentum", &momentum)
    }
  }

  @Sendable private static func step(_ state: inout Weights, _ batch: Tensor) -> Tensor {
    let (loss, gradient) = valueAndGradient(at: Weights(weight: state.weight)) { model in
      matrixProduct(batch, model.weight).square().mean()
    }
    let momentum = state.momentum.map { $0 * 0.9 + gradient.weight } ?? gradient.weight
    state.momentum = momentum
    state.weight = state.weight - momentum * 0.1
    return loss
  }

  private var start: Weights { Weights(weight: normal([3, 2]).cast(to: .float32)) }
  private func batch(_ rows: Int) -> Tensor { normal([rows, 3], UInt64(rows)).cast(to: .float32) }

  @Test func `A compiled step computes what the step does`() {
    let compiledStep = compiled(Self.step)
    var (fast, plain) = (start, start)
    for rows in [4, 4, 7, 4] {
      let fastLoss = compiledStep(&fast, batch(rows))
      let loss = Self.step(&plain, batch(rows))
      #expect(distance(fastLoss, loss) < 1e-6)
    }
    #expect(distance(fast.weight, plain.weight) < 1e-6)
    #expect(distance(fast.momentum!, plain.momentum!) < 1e-6)
    // Without momentum and with it, for two batch sizes; the first shape without momentum came once.
    #expect(compiledStep.programCount == 3)
  }

  @Test func `A copy that is kept does not change`() {
    let compiledStep = compiled(Self.step)
    var state = start
    _ = compiledStep(&state, batch(4))
    let kept = state
    let before = kept.weight.floats()
    for _ in 0..<3 { _ = compiledStep(&state, batch(4)) }
    #expect(kept.weight.floats() == before)
    #expect(state.weight.floats() != before)
  }

  @Test func `A value that is frozen into a step is refused`() async {
    await #expect(processExitsWith: .failure) {
      struct Count: Module {
        var weight = Tensor(1)
        var count = 0
        mutating func visit(_ visitor: inout Visitor) { visitor("weight", &weight) }
      }
      let counting = compiled { (state: inout Count, batch: Tensor) -> Tensor in
        state.count += 1
        return state.weight * batch
      }
      var state = Count()
      _ = counting(&state, Tensor(2)).scalar
    }
  }

  @Test func `A step that draws Swift's random numbers is refused`() async {
    await #expect(processExitsWith: .failure) {
      let drawing = compiled { (state: inout Tensor, batch: Tensor) -> Tensor in
        state = state + Double.random(in: 0..<1)
        return state * batch
      }
      var state = Tensor(1)
      _ = drawing(&state, Tensor(2)).scalar
    }
  }

  @Test func `A value read while a step is traced is refused`() async {
    await #expect(processExitsWith: .failure) {
      let reading = compiled { (state: inout Tensor, batch: Tensor) -> Tensor in
        batch * (state * batch).scalar
      }
      var state = Tensor(1)
      _ = reading(&state, Tensor(2)).scalar
    }
  }

  @Test func `The same steps without such values are accepted`() async {
    await #expect(processExitsWith: .success) {
      let plain = compiled { (state: inout Tensor, batch: Tensor) -> Tensor in
        state = state + 1
        return state * batch
      }
      var state = Tensor(1)
      precondition(plain(&state, Tensor(2)).scalar == 4)
    }
  }
}

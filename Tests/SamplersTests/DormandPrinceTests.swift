import Foundation
import Layers
import Models
import Samplers
import Tensors
import Testing

@Suite struct DormandPrinceTests {
  @Test(arguments: [1e-4, 1e-6, 1e-8])
  func `an oscillation is followed as exactly as it is asked for`(_ tolerance: Double) throws {
    let solver = DormandPrince(relativeTolerance: tolerance, absoluteTolerance: tolerance)
    let start = Tensor([1.0, 0], shape: [1, 2])
    let solution = try solver.solve(Nothing(), start, from: 0, to: 5) { _, x, _ in
      stack([x.element(1, 1), -x.element(1, 0)], axis: 1)
    }
    let (x, v) = (solution.state.doubles()[0], solution.state.doubles()[1])
    let error = max(abs(x - cos(5)), abs(v + sin(5)))
    #expect(error < 20 * tolerance)
    // A method of fifth order: a hundred times the exactness costs two and a half times the steps.
    #expect(Double(solution.taken) < 3.5 * pow(tolerance, -0.2) + 5)
  }

  @Test func `time enters the rates, and may run backwards`() throws {
    let solver = DormandPrince(relativeTolerance: 1e-9, absoluteTolerance: 1e-9)
    let start = Tensor([2.0], shape: [1])
    let there = try solver.solve(Nothing(), start, from: 0, to: 2) { _, x, t in x * (t * 3).cos() }
    #expect(abs(there.state.scalar - 2 * exp(sin(6) / 3)) < 1e-7)
    let back = try solver.solve(Nothing(), there.state, from: 2, to: 0) { _, x, t in
      x * (t * 3).cos()
    }
    #expect(abs(back.state.scalar - 2) < 1e-7)
  }

  @Test func `an equation that ends in infinity is refused in words`() {
    let solver = DormandPrince(mostSteps: 500)
    let error = #expect(throws: DormandPrince.Failure.self) {
      _ = try solver.solve(Nothing(), Tensor([1.0], shape: [1]), from: 0, to: 2) { _, x, _ in
        x.square()
      }
    }
    #expect("\(error!)".contains("not solved"))
  }

  @Test func `a continuous flow has the density of its fine integration, and samples come back`()
    throws
  {
    var field = PerceptronField(width: 3, hidden: [8], key: RandomKey(seed: 0))
    field = field.mapTensors { RandomKey(seed: 1).normal($0.shape, deviation: 0.7, .float64) }
    let flow = ContinuousFlow(field, steps: 200)
    let x = RandomKey(seed: 2).normal([6, 3], .float64)
    let solver = DormandPrince(relativeTolerance: 1e-9, absoluteTolerance: 1e-9)
    let (z, logProbability) = try solver.forward(flow, x)
    #expect((logProbability - flow.logProbability(of: x)).abs().max().scalar < 1e-7)
    #expect((try solver.inverse(flow, z) - x).abs().max().scalar < 1e-7)
  }
}

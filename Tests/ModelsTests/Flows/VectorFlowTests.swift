import Foundation
import Layers
import Models
import Optimizers
import Tensors
import TestSupport
import Testing

private func flow(
  _ kind: VectorFlowKind, width: Int, _ deviation: Double = 0.4, _ type: DataType = .float64
) -> VectorFlow {
  let configuration = VectorFlowConfiguration(
    kind: kind, width: width, layers: 3, hidden: [9, 7], bins: 4, limit: 3, integrationSteps: 40)
  return shaken(VectorFlow(configuration, key: RandomKey(seed: 0)), deviation, type)
}

@Suite struct VectorFlowTests {
  @Test(arguments: VectorFlowKind.allCases)
  func `the inverse of a flow's image is the example`(_ kind: VectorFlowKind) {
    // A continuous flow is exact up to its integration.
    let tolerances =
      kind == .continuous
      ? [(DataType.float32, 1e-4), (.float64, 1e-5)]
      : [(DataType.float32, 2e-4), (.float64, 1e-11)]
    for width in [1, 2, 5] where width > 1 || kind != .realnvp {
      for (type, tolerance) in tolerances {
        // In float32 an inverse loses what the steepest slope multiplies.
        let flow = flow(kind, width: width, type == .float32 ? 0.1 : 0.4, type)
        let x = RandomKey(seed: 2).normal([16, width], deviation: 2, type)
        let error = (flow.inverse(flow.forward(x).z) - x).abs().max().scalar
        #expect(error < tolerance, "\(kind) of \(width) numbers, \(type)")
        let back = (flow.forward(flow.inverse(x)).z - x).abs().max().scalar
        #expect(back < tolerance, "\(kind) of \(width) numbers, \(type)")
      }
    }
  }

  @Test(arguments: VectorFlowKind.allCases)
  func `log determinants are those of the dense Jacobian`(_ kind: VectorFlowKind) {
    let flow = flow(kind, width: 5)
    for seed in 1...3 {
      let x = RandomKey(seed: UInt64(seed)).normal([1, 5], .float64)
      let expected = denseLogDeterminant(flow, x, step: 1e-5)
      // Integrals of traces and of velocities differ by the error of the integration.
      let tolerance = kind == .continuous ? 1e-5 : 1e-6
      #expect(abs(flow.forward(x).logDeterminant.scalar - expected) < tolerance)
    }
  }

  @Test(arguments: VectorFlowKind.allCases)
  func `the density of a flow in the plane integrates to 1`(_ kind: VectorFlowKind) {
    let flow = flow(kind, width: 2)
    let (side, limit) = (500, 14.0)
    let step = 2 * limit / Double(side)
    let places = (0..<side).map { (Double($0) + 0.5) * step - limit }
    let points = places.flatMap { y in places.flatMap { x in [x, y] } }
    let density = flow.logProbability(of: Tensor(points, shape: [side * side, 2])).exp()
    let error = abs(density.sum().scalar * step * step - 1)
    // Splines have kinks, over which sums converge slowly.
    #expect(error < (kind == .spline || kind == .autoregressiveSpline ? 2e-3 : 1e-4))
  }

  @Test(arguments: VectorFlowKind.allCases)
  func `gradients reach all of a flow and leave nothing forgotten`(_ kind: VectorFlowKind) {
    let flow = flow(kind, width: 3, 0.2, .float32)
    #expect(forgottenTensors(in: flow).isEmpty)
    let x = RandomKey(seed: 3).normal([4, 3])
    let (loss, gradient) = valueAndGradient(at: flow) { -$0.logProbability(of: x).mean() }
    #expect(loss.scalar.isFinite && gradient.globalNorm.scalar.isFinite)
    // Along the gradient the loss changes by the gradient's square.
    let square = gradient.globalNorm.scalar * gradient.globalNorm.scalar
    let step = 1e-5 / square.squareRoot()
    let moved = flow.zipTensors(gradient) { $0.cast(to: .float64) - $1.cast(to: .float64) * step }
    let start = flow.mapTensors { $0.cast(to: .float64) }
    let wide = x.cast(to: .float64)
    let change = (moved.logProbability(of: wide) - start.logProbability(of: wide)).mean().scalar
    #expect(abs(change / step - square) < 0.02 * square)
  }

  @Test func `an additive coupling leaves volumes as they are but for the last scale`() {
    var flow = flow(.nice, width: 6)
    let x = RandomKey(seed: 4).normal([8, 6], .float64)
    let volumes = flow.forward(x).logDeterminant
    let scale = flow.flows.flows.last as! ElementwiseAffine
    #expect((volumes - scale.logScale.sum()).abs().max().scalar < 1e-12)
    flow.flows.flows.removeLast()
    #expect(flow.forward(x).logDeterminant.abs().max().scalar == 0)
  }

  @Test(arguments: [ElementwiseMap.affine(), .spline(bins: 3, limit: 2)])
  func `an autoregressive layer's Jacobian is triangular`(_ map: ElementwiseMap) {
    let width = 6
    let layer = shaken(
      AutoregressiveFlow(width: width, map: map, hidden: [11, 8], key: RandomKey(seed: 0)), 0.5)
    let x = RandomKey(seed: 5).normal([1, width], .float64)
    var (diagonal, seen) = (0.0, 0)
    for row in 0..<width {
      let seed = Tensor.range(width).equal(to: Double(row)).cast(to: .float64).expanded(0)
      let copy = x * 1
      let slopes = gradients(of: [layer.forward(copy).z], seeds: [seed], by: [copy])[0]!.doubles()
      #expect(slopes[(row + 1)...].allSatisfy { $0 == 0 })
      seen += slopes[..<row].count { $0 != 0 }
      diagonal += log(slopes[row])
    }
    #expect(seen > width)
    #expect(abs(layer.forward(x).logDeterminant.scalar - diagonal) < 1e-12)
  }

  @Test func `an inverse autoregressive flow is the masked one run backwards`() {
    let masked = shaken(
      AutoregressiveFlow(width: 4, map: .affine(), hidden: [8], key: RandomKey(seed: 0)), 0.5)
    let inverse = Inverted(masked)
    let x = RandomKey(seed: 6).normal([3, 4], .float64)
    let (z, volume) = inverse.forward(x)
    #expect((z - masked.inverse(x)).abs().max().scalar == 0)
    #expect((inverse.inverse(x) - masked.forward(x).z).abs().max().scalar == 0)
    #expect((volume + masked.forward(z).logDeterminant).abs().max().scalar < 1e-12)
  }

  @Test func `wide autoregressive flows are inverted as exactly as narrow ones`() {
    let layer = shaken(
      AutoregressiveFlow(width: 300, map: .affine(), hidden: [40], key: RandomKey(seed: 0)), 0.3)
    let z = RandomKey(seed: 7).normal([2, 300], .float64)
    #expect((layer.forward(layer.inverse(z)).z - z).abs().max().scalar < 1e-9)
  }
}

/// v(x) = A x + b, the same at every time.
private struct LinearField: VelocityField {
  var matrix: Tensor
  var shift: Tensor

  func callAsFunction(_ x: Tensor, at time: Tensor) -> Tensor {
    matrixProduct(x, matrix.transposed()) + shift
  }

  mutating func visit(_ visitor: inout Visitor) {
    visitor("matrix", &matrix)
    visitor("shift", &shift)
  }
}

@Suite struct ContinuousFlowTests {
  private let rates = [0.7, -0.4, 1.1]

  /// Points that move by x ↦ diag(rates) x + b, turned by nothing: their way is known.
  private func flow(steps: Int) -> ContinuousFlow<LinearField> {
    let shape = [3, 3]
    let matrix = (0..<9).map { $0 % 4 == 0 ? rates[$0 / 4] : 0 }
    let field = LinearField(
      matrix: Tensor(matrix, shape: shape), shift: Tensor([0.3, -0.2, 0.5], shape: [3]))
    return ContinuousFlow(field, steps: steps)
  }

  @Test func `linear dynamics have the density of their closed form`() {
    let x = RandomKey(seed: 1).normal([5, 3], .float64)
    let (a, b) = (Tensor(rates, shape: [3]), Tensor([0.3, -0.2, 0.5], shape: [3]))
    // x(0) = e^{−a} (x(1) + b/a) − b/a.
    let z = (x + b / a) * (-a).exp() - b / a
    let expected = DiagonalGaussian.standardLogProbability(of: z) - a.sum()
    let flow = flow(steps: 50)
    #expect((flow.forward(x).z - z).abs().max().scalar < 1e-7)
    #expect((flow.forward(x).logDeterminant + a.sum()).abs().max().scalar < 1e-12)
    #expect((flow.logProbability(of: x) - expected).abs().max().scalar < 1e-6)
  }

  @Test func `the error falls with the fourth power of the step`() {
    let x = RandomKey(seed: 1).normal([5, 3], .float64)
    let exact = flow(steps: 400).forward(x).z
    let errors = [5, 10].map { (flow(steps: $0).forward(x).z - exact).abs().max().scalar }
    #expect(abs(errors[0] / errors[1] - 16) < 2)
  }

  @Test func `Hutchinson's estimate of the trace has the trace as its mean`() {
    let field = shaken(PerceptronField(width: 4, hidden: [8], key: RandomKey(seed: 0)), 0.7)
    let x = RandomKey(seed: 2).normal([1, 4], .float64)
    let time = Tensor(0.3, .float64)
    let exact = ContinuousFlow.rates(field, Pair(x, .zeros([1], .float64)), at: time).second.scalar
    let count = 40_000
    let many = x.broadcast(to: [count, 4])
    let signs = RandomKey(seed: 3).bernoulli(0.5, [count, 4]).cast(to: .float64) * 2 - 1
    let estimates = ContinuousFlow.rates(
      field, Pair(many, .zeros([count], .float64)), at: time, probe: signs
    ).second
    let error = (estimates.variance().scalar / Double(count)).squareRoot()
    #expect(error > 1e-4)
    #expect(abs(estimates.mean().scalar - exact) < 5 * error)
  }
}

import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// A model whose trained tensors are all random, since flows begin as the identity.
func shaken<M: Module>(_ model: M, _ deviation: Double, _ type: DataType = .float64) -> M {
  model.replacingTensors(
    model.leaves.enumerated().map { i, leaf in
      leaf.isTrained
        ? RandomKey(seed: 9).fork(i).normal(leaf.tensor.shape, deviation: deviation, type)
        : leaf.tensor.cast(to: type)
    }
  ).evaluated()
}

private func vectors(_ type: DataType = .float64) -> RealNVP {
  shaken(RealNVP(.init(width: 5, couplings: 4, hidden: [8]), key: RandomKey(seed: 0)), 0.5, type)
}

private func pictures(_ type: DataType = .float64) -> PictureRealNVP {
  let examples = PixelLogit.dequantized(.zeros([4, 4, 4, 2]), RandomKey(seed: 1))
  let configuration = PictureRealNVPConfiguration(
    size: 4, channels: 2, scales: 2, couplings: 3, filters: 5)
  let model = PictureRealNVP(configuration, examples: examples, key: RandomKey(seed: 0))
  return shaken(model, 0.3, type)
}

/// Samples of pixels within 0 … 256.
private func pixels(_ count: Int, _ type: DataType) -> Tensor {
  RandomKey(seed: 5).uniform([count, 4, 4, 2], in: 1..<255, type)
}

/// log |det| by elimination.
func logDeterminant(_ matrix: [Double], _ n: Int) -> Double {
  var a = matrix
  var sum = 0.0
  for column in 0..<n {
    let pivot = (column..<n).max { abs(a[$0 * n + column]) < abs(a[$1 * n + column]) } ?? column
    for k in 0..<n { a.swapAt(column * n + k, pivot * n + k) }
    sum += log(abs(a[column * n + column]))
    for row in column + 1..<n {
      let factor = a[row * n + column] / a[column * n + column]
      for k in column..<n { a[row * n + k] -= factor * a[column * n + k] }
    }
  }
  return sum
}

/// log |det ∂z/∂x| of one example by central differences.
func denseLogDeterminant<F: Flow>(_ flow: F, _ x: Tensor, step: Double) -> Double {
  let n = x.count
  var moves = [Double](repeating: 0, count: 2 * n * n)
  for i in 0..<n {
    moves[i * n + i] = step
    moves[(n + i) * n + i] = -step
  }
  let moved =
    x.broadcast(to: [2 * n] + x.shape.dropFirst())
    + Tensor(moves, shape: [2 * n] + x.shape.dropFirst())
  let z = flow.forward(moved).z.doubles()
  let columns = (0..<n * n).map { (z[$0] - z[$0 + n * n]) / (2 * step) }
  return logDeterminant(columns, n)
}

@Suite struct FlowTests {
  @Test func `the inverse of a flow's image is the example`() {
    func error<F: Flow>(_ flow: F, _ x: Tensor) -> Double {
      ((flow.inverse(flow.forward(x).z) - x).abs().max() / x.abs().max()).scalar
    }
    for (type, tolerance) in [(DataType.float32, 1e-5), (.float64, 1e-11)] {
      #expect(error(vectors(type), RandomKey(seed: 2).normal([16, 5], type)) < tolerance)
      #expect(error(pictures(type), pixels(3, type)) < tolerance)
    }
  }

  @Test func `log determinants are those of the dense Jacobian`() {
    let x = RandomKey(seed: 2).normal([1, 5], .float64)
    let flow = vectors()
    #expect(
      abs(flow.forward(x).logDeterminant.scalar - denseLogDeterminant(flow, x, step: 1e-5)) < 1e-6)
    let picture = pixels(1, .float64)
    let images = pictures()
    #expect(
      abs(
        images.forward(picture).logDeterminant.scalar
          - denseLogDeterminant(images, picture, step: 1e-4)) < 1e-6)
  }

  @Test func `the density of a flow in the plane integrates to 1`() {
    let flow = shaken(
      RealNVP(.init(width: 2, couplings: 3, hidden: [6]), key: RandomKey(seed: 0)), 0.4)
    let (side, limit) = (600, 15.0)
    let step = 2 * limit / Double(side)
    let places = (0..<side).map { (Double($0) + 0.5) * step - limit }
    let points = places.flatMap { y in places.flatMap { x in [x, y] } }
    let density = flow.logProbability(of: Tensor(points, shape: [side * side, 2])).exp()
    #expect(abs(density.sum().scalar * step * step - 1) < 1e-5)
  }

  @Test func `a coupling's density of what it changes integrates to 1 for every kept part`() {
    let coupling = shaken(AffineCoupling(width: 2, hidden: [6], key: RandomKey(seed: 0)), 0.6)
    for kept in [-1.3, 0.0, 2.1] {
      let (count, limit) = (40_000, 40.0)
      let step = 2 * limit / Double(count)
      let places: [Double] = (0..<count).map { (Double($0) + 0.5) * step - limit }
      let points = places.flatMap { [kept, $0] }
      let (z, volume) = coupling.forward(Tensor(points, shape: [count, 2]))
      let density = DiagonalGaussian.standardLogProbability(of: z.sliced(1, 0..<1)) + volume
      #expect(abs(density.exp().sum().scalar * step - 1) < 1e-9)
    }
  }

  @Test func `a sample scores what its origin and the volume say`() {
    let flow = pictures()
    let z = RandomKey(seed: 4).normal([3, 32], .float64)
    let x = flow.inverse(z)
    let expected =
      DiagonalGaussian.standardLogProbability(of: z) + flow.forward(x).logDeterminant
    #expect((flow.forward(x).z - z).abs().max().scalar < 1e-10)
    #expect((flow.logProbability(of: x) - expected).abs().max().scalar < 1e-9)
  }

  @Test func `the logit of uniform samples has a density that integrates to 1`() {
    // p(z) = p(x) |dx/dz|, with p(x) = 1/256 on 0 … 256.
    let logit = PixelLogit(levels: 256, alpha: 0.05)
    let edge = log(0.95 / 0.05)
    let count = 20_000
    let step = 2 * edge / Double(count)
    let places: [Double] = (0..<count).map { (Double($0) + 0.5) * step - edge }
    let z = Tensor(places, shape: [count, 1])
    let x = logit.inverse(z)
    #expect(x.min().scalar >= 0 && x.max().scalar <= 256)
    let density = (-logit.forward(x).logDeterminant).exp() / 256
    #expect(abs(density.sum().scalar * step - 1) < 1e-7)
  }

  @Test func `squares of pixels become channels with the diagonal first, and back`() {
    let x = Tensor((0..<16).map(Float.init), shape: [1, 4, 4, 1])
    let squeezed = x.squeezedCheckerboard()
    #expect(squeezed.floats() == [0, 5, 1, 4, 2, 7, 3, 6, 8, 13, 9, 12, 10, 15, 11, 14])
    #expect(squeezed.unsqueezedCheckerboard().floats() == x.floats())
  }

  @Test func `no tensor of a flow is forgotten`() {
    #expect(forgottenTensors(in: vectors()).isEmpty)
    #expect(forgottenTensors(in: pictures()).isEmpty)
  }
}

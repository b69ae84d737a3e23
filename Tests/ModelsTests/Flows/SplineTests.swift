import Foundation
import Models
import Tensors
import Testing

/// The numbers in [−1, 1) that golden values are made with: element i of tensor k.
private func hashed(_ k: Int, _ count: Int) -> Tensor {
  let values = (0..<count).map { i -> Double in
    var x = UInt64(i + 1 + 7919 * k) &* 2_654_435_761 & 0xFFFF_FFFF
    x ^= x >> 16
    x = x &* 2_246_822_519 & 0xFFFF_FFFF
    x ^= x >> 13
    x = x &* 3_266_489_917 & 0xFFFF_FFFF
    x ^= x >> 16
    return Double(x) / 4_294_967_296 * 2 - 1
  }
  return Tensor(values, shape: [1, count])
}

private func spline(of count: Int, bins: Int, limit: Double, seed: Int = 0)
  -> RationalQuadraticSpline
{
  func repeated(_ x: Tensor) -> Tensor { (x * 3).broadcast(to: [count, x.shape[1]]) }
  return RationalQuadraticSpline(
    widths: repeated(hashed(seed, bins)), heights: repeated(hashed(seed + 1, bins)),
    slopes: repeated(hashed(seed + 2, bins - 1)), limit: limit)
}

@Suite struct RationalQuadraticSplineTests {
  @Test func `a spline of known coefficients has the known values and slopes`() {
    let spline = RationalQuadraticSpline(
      widths: hashed(0, 4), heights: hashed(1, 4), slopes: hashed(2, 3), limit: 3)
    for (x, y, slope) in [
      (-2.0, -1.494596953, -0.724930391), (0.5, -0.259076117, -1.262066934),
      (2.9, 2.834892677, 0.872417826), (-3.5, -3.5, 0), (3.5, 3.5, 0), (3, 3, 0), (-3, -3, 0),
    ] {
      let result = spline.forward(Tensor([x], shape: [1]))
      #expect(abs(result.y.scalar - y) < 1e-8)
      #expect(abs(result.logSlope.scalar - slope) < 1e-8)
    }
  }

  @Test(arguments: [(1, 2.0), (2, 1.0), (4, 3.0), (17, 5.0)])
  func `a spline rises, its inverse is exact, and its slope is that of its differences`(
    _ bins: Int, _ limit: Double
  ) {
    let count = 4001
    let places = (0..<count).map { (Double($0) / 2000 - 1) * 1.25 * limit }
    let x = Tensor(places, shape: [count])
    let spline = spline(of: count, bins: bins, limit: limit)
    let (y, logSlope) = spline.forward(x)
    let values = y.doubles()
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
    // The inverse loses what the steepest slope multiplies.
    #expect((spline.inverse(y) - x).abs().max().scalar < 1e-11)
    let (up, down) = (spline.forward(x + 1e-6).y, spline.forward(x - 1e-6).y)
    let slopes = ((up - down) / 2e-6).doubles()
    for (a, b) in zip(slopes, logSlope.exp().doubles()) { #expect(abs(a - b) < 1e-3 * max(1, b)) }
  }

  @Test func `the inverse is exact at the knots`() {
    let (bins, limit) = (5, 2.0)
    let shares = (hashed(0, bins) * 3).softmax() * (1 - 5e-3) + 1e-3
    let knots = [-limit] + (shares.cumulativeSum() * (2 * limit) - limit).doubles()
    let x = Tensor(knots, shape: [bins + 1])
    let spline = spline(of: bins + 1, bins: bins, limit: limit)
    #expect((spline.inverse(spline.forward(x).y) - x).abs().max().scalar < 1e-12)
  }

  @Test func `slopes are not infinite where numbers are far away`() {
    let x = Tensor([-1e30, 1e30], shape: [2])
    let spline = spline(of: 2, bins: 3, limit: 1)
    let slopes = gradients(
      of: [spline.forward(x).y.sum()], seeds: [Tensor(1, .float64)], by: [x])
    #expect(slopes[0]!.doubles() == [1, 1])
  }
}

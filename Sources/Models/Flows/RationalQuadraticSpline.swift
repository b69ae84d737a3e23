public import Tensors

/// Rising functions of one number each, made of quotients of parabolas between knots (Gregory and Delbourgo 1982; Durkan et
/// al., arXiv:1906.04032, eq. 4 to 8). Outside −limit … limit they are the identity, which they join with slope 1.
public struct RationalQuadraticSpline {
  private let limit: Double
  /// The left lower corner of every bin and its size, and the slopes at its ends: [shape…, bins].
  private let bins: Bins

  private struct Bins {
    var left, width, bottom, height, firstSlope, lastSlope: Tensor
  }

  /// Of numbers without bounds: softmaxes of the first two are shares of the interval, softplus of the third is a slope.
  /// - Parameters:
  ///   - widths: [shape…, bins].
  ///   - heights: [shape…, bins].
  ///   - slopes: at the knots between the bins: [shape…, bins − 1].
  ///   - least: the smallest share of the interval, and the smallest slope.
  public init(
    widths: Tensor, heights: Tensor, slopes: Tensor, limit: Double, least: Double = 1e-3
  ) {
    let inner = slopes.softplus() + least
    let one = Tensor.ones(Array(widths.shape.dropLast()) + [1], widths.dataType)
    let (left, width) = Self.parts(widths, limit, least)
    let (bottom, height) = Self.parts(heights, limit, least)
    self.limit = limit
    bins = Bins(
      left: left, width: width, bottom: bottom, height: height,
      firstSlope: concatenate([one, inner], axis: -1),
      lastSlope: concatenate([inner, one], axis: -1))
  }

  /// Where bins begin, and how large they are; the first and the last knot are the ends of the interval exactly.
  private static func parts(
    _ logits: Tensor, _ limit: Double, _ least: Double
  ) -> (start: Tensor, size: Tensor) {
    let count = logits.shape[logits.rank - 1]
    let shares = logits.softmax() * (1 - least * Double(count)) + least
    let ends = shares.cumulativeSum() * (2 * limit) - limit
    let edge = ends.sliced(-1, 0..<1).zerosLike()
    let inner = ends.sliced(-1, 0..<count - 1)
    let start = concatenate([edge - limit, inner], axis: -1)
    return (start, concatenate([inner, edge + limit], axis: -1) - start)
  }

  /// The bin of every number.
  private func bin(of x: Tensor, _ start: Tensor) -> Bins {
    let isReached = x.expanded(-1).greaterOrEqual(to: start)
    // Knots rise: the last one that is reached begins the bin.
    let count = start.shape[start.rank - 1]
    let place = isReached.cast(to: .int32).sum([-1], keepsAxes: true)
    let isBin = (Tensor.indices(start.shape, axis: -1) + Tensor.fill(integer: 1, [], .int32))
      .equal(to: place)
    func pick(_ values: Tensor) -> Tensor {
      count == 1
        ? values.squeezed(-1) : select(isBin, values, values.zerosLike()).sum([-1])
    }
    return Bins(
      left: pick(bins.left), width: pick(bins.width), bottom: pick(bins.bottom),
      height: pick(bins.height), firstSlope: pick(bins.firstSlope),
      lastSlope: pick(bins.lastSlope))
  }

  /// The functions' values and the logarithms of their slopes; both [shape…].
  public func forward(_ x: Tensor) -> (y: Tensor, logSlope: Tensor) {
    let isInside = x.abs().less(than: limit)
    let inner = x.clipped(to: -limit...limit)
    let bin = bin(of: inner, bins.left)
    let slope = bin.height / bin.width
    let share = (inner - bin.left) / bin.width
    let rest = 1 - share
    let bend = bin.firstSlope + bin.lastSlope - slope * 2
    let denominator = slope + bend * share * rest
    let y =
      bin.bottom + bin.height * (slope * share.square() + bin.firstSlope * share * rest)
      / denominator
    let rise =
      bin.lastSlope * share.square() + slope * share * rest * 2 + bin.firstSlope * rest.square()
    let logSlope = slope.log() * 2 + rise.log() - denominator.log() * 2
    return (select(isInside, y, x), select(isInside, logSlope, logSlope.zerosLike()))
  }

  /// The numbers whose values are `y`: the root of a quadratic equation, in the form that loses no digits.
  public func inverse(_ y: Tensor) -> Tensor {
    let isInside = y.abs().less(than: limit)
    let inner = y.clipped(to: -limit...limit)
    let bin = bin(of: inner, bins.bottom)
    let slope = bin.height / bin.width
    let rise = inner - bin.bottom
    let bend = rise * (bin.firstSlope + bin.lastSlope - slope * 2)
    let a = bin.height * (slope - bin.firstSlope) + bend
    let b = bin.height * bin.firstSlope - bend
    let c = -slope * rise
    let root = maximum(b.square() - a * c * 4, 0).sqrt()
    let x = bin.left + (c * 2 / (-b - root)) * bin.width
    return select(isInside, x, y)
  }
}

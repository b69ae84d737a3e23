internal import Foundation
public import Tensors

/// How sines and cosines of one encoding lie side by side.
public enum SinusoidLayout: String, Sendable, Hashable, Codable {
  /// sin, cos, sin, cos, …: as the paper.
  case interleaved
  /// All sines, then all cosines: tensor2tensor, Marian, MAE.
  case sinesFirst
  /// All cosines, then all sines: most diffusion networks' times.
  case cosinesFirst
}

/// Sines and cosines of every position at falling frequencies (Vaswani et al., arXiv:1706.03762, 3.5):
/// frequency i is base^(−i / (width/2 − shift)).
///
/// - Parameters:
///   - positions: numbers of any type and shape; fractions are allowed.
///   - width: even.
///   - shift: 1 makes the last frequency exactly 1/base, as in tensor2tensor, fairseq and DDPM.
/// - Returns: [shape of the positions…, width], float32 unless the positions are float64.
public func sinusoids(
  of positions: Tensor, width: Int, layout: SinusoidLayout = .interleaved, base: Double = 10_000,
  shift: Double = 0
) -> Tensor {
  guard width > 0, width % 2 == 0 else { fail("sinusoids: the width \(width) is not even") }
  let dataType = positions.dataType == .float64 ? DataType.float64 : .float32
  let angles = angles(
    positions.cast(to: dataType), frequencies(count: width / 2, base: base, shift: shift))
  switch layout {
  case .interleaved:
    return stack([angles.sin(), angles.cos()], axis: -1).reshaped(positions.shape + [width])
  case .sinesFirst: return concatenate([angles.sin(), angles.cos()], axis: -1)
  case .cosinesFirst: return concatenate([angles.cos(), angles.sin()], axis: -1)
  }
}

/// Sines and cosines of the positions 0 ..< count: [count, width].
public func sinusoids(
  count: Int, width: Int, layout: SinusoidLayout = .interleaved, base: Double = 10_000,
  shift: Double = 0
) -> Tensor {
  sinusoids(of: .range(count, .float32), width: width, layout: layout, base: base, shift: shift)
}

/// Positions in a picture: the first half of the channels encodes the column, the second the row, each as all sines, then
/// all cosines (MAE, MoCo v3, DiT). [height · width, channels].
public func sinusoidGrid(height: Int, width: Int, channels: Int, base: Double = 10_000) -> Tensor {
  guard channels % 4 == 0 else { fail("a sinusoid grid's channels, \(channels), are four parts") }
  let halves = [1, 0].map { axis in
    sinusoids(
      of: .indices([height, width], axis: axis), width: channels / 2, layout: .sinesFirst,
      base: base)
  }
  return concatenate(halves, axis: -1).reshaped([height * width, channels])
}

/// base^(−i / (count − shift)) for i in 0 ..< count.
func frequencies(count: Int, base: Double, shift: Double) -> [Double] {
  (0..<count).map { pow(base, -Double($0) / max(Double(count) - shift, 1)) }
}

/// positions [shape…] and frequencies: [shape…, count].
func angles(_ positions: Tensor, _ frequencies: [Double]) -> Tensor {
  positions.expanded(-1) * Tensor(frequencies).cast(to: positions.dataType)
}

/// A trained vector for every position, added to the input.
public struct LearnedPositions: Module {
  /// [longest length, width].
  public var weight: Tensor

  public init(count: Int, width: Int, deviation: Double = 0.02, key: RandomKey) {
    weight = Initializer.normal(deviation: deviation)([count, width], key)
  }

  /// - Parameter weight: [longest length, width].
  public init(weight: Tensor) { self.weight = weight }

  /// - Parameters:
  ///   - x: [batch, length, width].
  ///   - positions: int32 or int64, [length] or [batch, length]; 0, 1, … unless given.
  public func callAsFunction(_ x: Tensor, at positions: Tensor? = nil) -> Tensor {
    let (length, count) = (x.shape[x.rank - 2], weight.shape[0])
    guard length <= count else {
      fail("learned positions: \(length) places, but there are vectors for \(count)")
    }
    return x + (positions.map { weight.rows($0) } ?? weight.sliced(0, 0..<length))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor("weight", &weight) }
}

/// The slopes of ALiBi, one a head: powers of 2^(−8/heads), and between them where `heads` is no power of two (Press et
/// al., arXiv:2108.12409).
public func alibiSlopes(heads: Int) -> [Double] {
  var whole = 1
  while whole * 2 <= heads { whole *= 2 }
  func slopes(_ count: Int) -> [Double] {
    (1...count).map { pow(2, -8 * Double($0) / Double(count)) }
  }
  let between = slopes(2 * whole).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
  return slopes(whole) + between.prefix(heads - whole)
}

/// −slope · distance, to add to the scores of attention: [heads, queries, keys]. The last query stands at the last key.
public func alibiBias(heads: Int, queries: Int, keys: Int, _ dataType: DataType = .float32)
  -> Tensor
{
  let slopes = Tensor(alibiSlopes(heads: heads)).cast(to: dataType).reshaped([heads, 1, 1])
  return slopes * -distances(queries: queries, keys: keys).abs().cast(to: dataType)
}

/// Key position less query position, [queries, keys], int32. The last query stands at the last key.
private func distances(queries: Int, keys: Int) -> Tensor {
  let shape = [queries, keys]
  let shift = Tensor.fill(integer: Int64(keys - queries), shape, .int32)
  return .indices(shape, axis: 1) - (.indices(shape, axis: 0) + shift)
}

/// A trained number for every head and range of distances, added to the scores of attention (T5: Raffel et al.,
/// arXiv:1910.10683).
public struct RelativePositionBias: Module {
  /// [buckets, heads].
  public var weight: Tensor
  /// Half of the buckets are for keys after the query.
  public var isBidirectional: Bool
  /// Distances from here on share a bucket.
  public var longestDistance: Int

  /// - Parameter weight: [buckets, heads].
  public init(weight: Tensor, isBidirectional: Bool = true, longestDistance: Int = 128) {
    self.weight = weight
    self.isBidirectional = isBidirectional
    self.longestDistance = longestDistance
  }

  public init(
    buckets: Int = 32, heads: Int, isBidirectional: Bool = true, longestDistance: Int = 128,
    key: RandomKey
  ) {
    self.init(
      weight: Initializer.normal(deviation: 0.02)([buckets, heads], key),
      isBidirectional: isBidirectional, longestDistance: longestDistance)
  }

  /// [1, heads, queries, keys]; the last query stands at the last key.
  public func callAsFunction(queries: Int, keys: Int) -> Tensor {
    self(distances(queries: queries, keys: keys))
  }

  /// - Parameter distance: key position less query position, int32, [queries, keys].
  /// - Returns: [1, heads, queries, keys].
  public func callAsFunction(_ distance: Tensor) -> Tensor {
    weight.rows(buckets(distance)).transposed([2, 0, 1]).expanded(0)
  }

  /// - Parameter distance: key position less query position, int32.
  /// - Returns: the row of `weight` for every distance, int32.
  public func buckets(_ distance: Tensor) -> Tensor {
    relativeBuckets(
      distance, count: weight.shape[0], isBidirectional: isBidirectional,
      longestDistance: longestDistance)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor.fixed("isBidirectional", isBidirectional)
    visitor.fixed("longestDistance", longestDistance)
  }
}

/// Ranges of distances: half of the buckets for single distances, the others for ranges that grow by a factor.
///
/// - Parameters:
///   - distance: key position less query position, int32.
///   - count: buckets, of which half are for keys after the query where `isBidirectional`.
///   - longestDistance: from here on distances share a bucket.
/// - Returns: the bucket of every distance, int32.
public func relativeBuckets(
  _ distance: Tensor, count: Int, isBidirectional: Bool, longestDistance: Int
) -> Tensor {
  func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), distance.shape, .int32) }
  let count = isBidirectional ? count / 2 : count
  let base = isBidirectional ? select(distance.greater(than: 0), number(count), number(0)) : nil
  let far = isBidirectional ? distance.abs() : maximum(-distance, number(0))
  let exact = count / 2
  let span = Tensor(Double(longestDistance) / Double(exact)).log()
  let ratio = (maximum(far, number(1)).cast(to: .float32) / Double(exact)).log() / span
  let rough = number(exact) + (ratio * Double(count - exact)).cast(to: .int32)
  let bucket = select(far.less(than: number(exact)), far, minimum(rough, number(count - 1)))
  return base.map { $0 + bucket } ?? bucket
}

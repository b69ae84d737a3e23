#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

// Draws. Every draw of one key with one shape gives the same numbers: `fork` the key for each.

extension RandomKey {
  /// Numbers spread evenly over `range` (its upper end may be reached by rounding alone).
  public func uniform(
    _ shape: [Int], in range: Range<Double> = 0..<1, _ dataType: DataType = .float32
  ) -> Tensor {
    let unit = draw(.uniform, shape, dataType)
    if range == 0..<1 { return unit.cast(to: dataType) }
    return (unit * (range.upperBound - range.lowerBound) + range.lowerBound).cast(to: dataType)
  }

  /// Normal numbers.
  public func normal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1, _ dataType: DataType = .float32
  ) -> Tensor {
    (draw(.normal, shape, dataType) * deviation + mean).cast(to: dataType)
  }

  /// Normal numbers on condition that they lie within `range`, which is counted in deviations from the mean.
  public func truncatedNormal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1,
    within range: ClosedRange<Double> = -2...2, _ dataType: DataType = .float32
  ) -> Tensor {
    // Φ⁻¹ of a uniform number between Φ of both ends.
    let (low, high) = (
      erf(range.lowerBound / 2.0.squareRoot()), erf(range.upperBound / 2.0.squareRoot())
    )
    let x = (draw(.uniform, shape, dataType) * (high - low) + low).erfInverse() * 2.0.squareRoot()
    return (x.clipped(to: range) * deviation + mean).cast(to: dataType)
  }

  /// true with the given probability: bool.
  public func bernoulli(_ probability: Double, _ shape: [Int]) -> Tensor {
    guard (0...1).contains(probability) else { fail("\(probability) is no probability") }
    if probability == 1 { return .ones(shape, .bool) }
    let threshold = Int64(probability * 0x1p32) + Int64(Int32.min)
    return words(shape).less(than: .fill(integer: threshold, shape, .int32))
  }

  /// true with the probability that each element names: bool, of the shape of `probability`.
  public func bernoulli(_ probability: Tensor) -> Tensor {
    let p = probability.cast(to: probability.dataType == .float64 ? .float64 : .float32)
    return draw(.uniform, p.shape, p.dataType).less(than: p)
  }

  /// Integers 0 ..< bound (at most 2³¹), each as likely as the others to within bound / 2³².
  public func integers(below bound: Int, _ shape: [Int], _ dataType: DataType = .int32) -> Tensor {
    guard (1...(1 << 31)).contains(bound) else {
      fail("there are no random integers below \(bound); bounds are 1 to 2³¹")
    }
    let word = words(shape).cast(to: .int64).and(.fill(integer: 0xFFFF_FFFF, shape, .int64))
    let scaled = word * .fill(integer: Int64(bound), shape, .int64)
    return scaled.shiftedRight(32).cast(to: dataType)
  }

  /// 0 ..< count in random order: int32.
  public func permutation(_ count: Int) -> Tensor { words([count]).argsort() }

  /// Numbers of the standard Gumbel distribution, −log(−log u); always finite.
  public func gumbel(_ shape: [Int], _ dataType: DataType = .float32) -> Tensor {
    let u = maximum(draw(.uniform, shape, dataType), 0x1p-25)
    return (-(-u.log()).log()).cast(to: dataType)
  }

  /// Numbers of the exponential distribution with the given rate.
  public func exponential(_ shape: [Int], rate: Double = 1, _ dataType: DataType = .float32)
    -> Tensor
  {
    ((-draw(.uniform, shape, dataType)).log1p() * (-1 / rate)).cast(to: dataType)
  }

  /// One position along an axis for each row, as likely as the softmax of the logits says: int32, the axis disappears
  /// (Gumbel's trick). Logits of −∞ are never drawn.
  public func categorical(_ logits: Tensor, axis: Int = -1) -> Tensor {
    let wide = logits.widenedType
    return (logits.cast(to: wide) + gumbel(logits.shape, wide)).argmax(axis)
  }

  /// 32 random bits as int32.
  public func words(_ shape: [Int]) -> Tensor {
    Tensor(Random(.bits, TensorType(shape, .int32)), [bits])
  }

  /// Numbers of float64 where they are asked for, else float32.
  private func draw(_ kind: Random.Kind, _ shape: [Int], _ dataType: DataType) -> Tensor {
    guard dataType.isFloatingPoint else {
      fail("random \(kind) numbers are floats, not \(dataType)")
    }
    let type = TensorType(shape, dataType == .float64 ? .float64 : .float32)
    return Tensor(Random(kind, type), [bits])
  }
}

extension Tensor {
  /// Zeros with probability `rate`, else x / (1 − rate) (Srivastava et al. 2014). One byte an element is kept for the
  /// gradient.
  public func dropout(_ rate: Double, _ key: RandomKey) -> Tensor {
    guard (0..<1).contains(rate) else { fail("dropout: the rate \(rate) is not within 0 ..< 1") }
    if rate == 0 { return self }
    return select(key.bernoulli(1 - rate, shape), self * (1 / (1 - rate)), zerosLike())
  }

  /// The inverse of the error function, on −1 … 1; ±∞ at the ends.
  ///
  /// Giles 2011, "Approximating the erfinv function", to 2⁻²² in float32; two of Newton's steps follow in float64.
  public func erfInverse() -> Tensor {
    let w = -((1 - self) * (self + 1)).log()
    func polynomial(_ x: Tensor, _ coefficients: [Double]) -> Tensor {
      coefficients.dropFirst().reduce(x.filled(coefficients[0])) { $0 * x + $1 }
    }
    let centre = polynomial(
      w - 2.5,
      [
        2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
        -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
      ])
    let tail = polynomial(
      w.sqrt() - 3,
      [
        -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
        -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
      ])
    var x = self * select(w.less(than: 5), centre, tail)
    if dataType == .float64 {
      for _ in 0..<2 {
        x = x - (x.erf() - self) * x.square().exp() * (Double.pi.squareRoot() / 2)
      }
    }
    return select(abs().equal(to: 1), self * Double.infinity, x)
  }
}

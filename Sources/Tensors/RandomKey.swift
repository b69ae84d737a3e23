/// A source of random numbers: a 64-bit key, kept as a tensor so that a compiled step draws anew at every call.
///
/// A key never changes; the same key and shape give the same numbers on every device and for any number of threads
/// (Philox 4×32-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). Distinct draws need distinct keys:
/// `fork`.
public struct RandomKey: Sendable {
  /// int64, shape [].
  public var bits: Tensor

  public init(seed: UInt64) { bits = Tensor([Int64(bitPattern: seed)], shape: []) }

  /// A key made from a tensor (int64, one element).
  public init(bits: Tensor) {
    guard bits.count == 1, bits.dataType == .int64 else {
      fail("a random key is one int64, not \(bits.type)")
    }
    self.bits = bits.reshaped([])
  }

  /// An independent key for a purpose.
  public func fork(_ purpose: Int) -> RandomKey {
    fork(Tensor.fill(integer: Int64(purpose), [], .int64))
  }

  /// An independent key for a number known only when the step runs (int64, one element): a step count, a position.
  public func fork(_ purpose: Tensor) -> RandomKey {
    // splitmix64 (Steele, Lea and Flood 2014) of the key moved on by the purpose.
    let golden = Tensor.fill(integer: Int64(bitPattern: 0x9E37_79B9_7F4A_7C15), [], .int64)
    var z =
      bits + (purpose.cast(to: .int64).reshaped([]) + Tensor.fill(integer: 1, [], .int64)) * golden
    z =
      (z.xor(z.shiftedRight(30)))
      * Tensor.fill(integer: Int64(bitPattern: 0xBF58_476D_1CE4_E5B9), [], .int64)
    z =
      (z.xor(z.shiftedRight(27)))
      * Tensor.fill(integer: Int64(bitPattern: 0x94D0_49BB_1331_11EB), [], .int64)
    return RandomKey(bits: z.xor(z.shiftedRight(31)))
  }
}

extension Tensor {
  /// The bits moved to the right, zeros coming in from the left.
  public func shiftedRight(_ count: Int) -> Tensor {
    Tensor(Binary.shiftRight, [self, Tensor(Fill(.integer(Int64(count)), type), [])])
  }
  /// The bits moved to the left.
  public func shiftedLeft(_ count: Int) -> Tensor {
    Tensor(Binary.shiftLeft, [self, Tensor(Fill(.integer(Int64(count)), type), [])])
  }
}

/// Turns symbols into bytes, each in as many bits as its probability says (range coding: Martin 1979; carries as in
/// Schindler 1998).
///
/// A distribution is given as whole frequencies, so that both ends compute the same. The interval keeps at least 48 bits,
/// so that a symbol costs its −log₂ frequency / total to within 2⁻²⁴ of itself.
public struct RangeEncoder: Sendable {
  private var low: UInt64 = 0
  private var range = RangeCoding.top
  /// The last byte that a carry can still change, and how many of 255 follow it.
  private var cache: UInt8?
  private var pending = 0
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// Appends the symbol that has `frequency` of `total` after those before it, which have `start`.
  public mutating func encode(start: UInt32, frequency: UInt32, of total: UInt32) {
    precondition(frequency > 0 && UInt64(start) + UInt64(frequency) <= UInt64(total))
    let part = range / UInt64(total)
    low += part * UInt64(start)
    // The last symbol gets what the division left over.
    range = start + frequency == total ? range - part * UInt64(start) : part * UInt64(frequency)
    while range < RangeCoding.bottom {
      shift()
      range <<= 8
    }
  }

  /// Moves the highest byte of `low` out.
  private mutating func shift() {
    let carries = low >= RangeCoding.top
    let byte = UInt8(truncatingIfNeeded: low >> 48)
    if carries || byte != 255 {
      if let cache { bytes.append(carries ? cache &+ 1 : cache) }
      for _ in 0..<pending { bytes.append(carries ? 0 : 255) }
      (cache, pending) = (byte, 0)
    } else if cache == nil, bytes.isEmpty, pending == 0 {
      cache = byte
    } else {
      pending += 1
    }
    low = (low & (RangeCoding.bottom - 1)) << 8
  }

  /// The bytes of all symbols: as many as tell the last interval from its neighbours.
  public consuming func finished() -> [UInt8] {
    // The value in the interval that ends in the most zeros, which the decoder reads past the end.
    var mask = RangeCoding.top - 1
    var value = low
    while mask > 0 {
      value = (low + mask) & ~mask
      if value < low + range { break }
      mask >>= 8
    }
    low = value
    for _ in 0..<8 { shift() }
    while bytes.last == 0 { bytes.removeLast() }
    return bytes
  }
}

/// Reads what a `RangeEncoder` wrote; any bytes are a sequence of symbols, if only of nonsense.
public struct RangeDecoder: Sendable {
  private let bytes: [UInt8]
  private var position = 0
  private var code: UInt64 = 0
  private var range = RangeCoding.top

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    for _ in 0..<7 { code = code << 8 | next() }
  }

  /// Zeros past the end.
  private mutating func next() -> UInt64 {
    defer { position += 1 }
    return position < bytes.count ? UInt64(bytes[position]) : 0
  }

  /// Where the next symbol stands among `total`: at or above its start, below its start plus frequency.
  public func target(of total: UInt32) -> UInt32 {
    UInt32(min(code / (range / UInt64(total)), UInt64(total) - 1))
  }

  /// Goes on behind the symbol.
  public mutating func advance(start: UInt32, frequency: UInt32, of total: UInt32) {
    let part = range / UInt64(total)
    code -= part * UInt64(start)
    range = start + frequency == total ? range - part * UInt64(start) : part * UInt64(frequency)
    while range < RangeCoding.bottom {
      code = code << 8 | next()
      range <<= 8
    }
  }
}

private enum RangeCoding {
  /// One above the largest interval.
  static let top: UInt64 = 1 << 56
  static let bottom: UInt64 = 1 << 48
}

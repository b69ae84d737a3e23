public import Tensors

/// A place relative to the one that is computed: rows above and columns to the left are negative.
public struct GridOffset: Hashable, Sendable, Codable {
  public var row: Int
  public var column: Int

  public init(_ row: Int, _ column: Int) { (self.row, self.column) = (row, column) }

  /// All places of a rectangle, row by row.
  public static func rectangle(
    rows: ClosedRange<Int>, columns: ClosedRange<Int>
  ) -> [GridOffset] {
    rows.flatMap { row in columns.map { GridOffset(row, $0) } }
  }
}

/// A convolution whose kernel is a list of places at or above the row that is computed, [batch, height, width, inputs] →
/// [batch, height, width, outputs]. Other places are not multiplied by zeros: they are not looked at.
///
/// It is one product of the kernel with what stands at its places, so a result has the same bits whatever stands elsewhere,
/// however many rows are computed at a time. Outside the picture are zeros.
public struct CausalConvolution: Layer {
  /// [outputs, inputs, places].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor
  /// The lengths of the outputs' weights where they are normalised (Salimans and Kingma, arXiv:1602.07868), [outputs].
  public var gain: Tensor?
  public let places: [GridOffset]
  /// Between the rows and between the columns that are computed.
  public let stride: Int
  /// Which channels of its own place an output sees; nil: all.
  public let colors: ColorMask?

  /// Channels belong to colours in turn. At its own place, a colour sees those before it, and with `isInclusive` itself.
  public struct ColorMask: Hashable, Sendable {
    public var count: Int
    public var isInclusive: Bool

    public init(_ count: Int, isInclusive: Bool) {
      (self.count, self.isInclusive) = (count, isInclusive)
    }
  }

  public init(
    inputs: Int, outputs: Int, places: [GridOffset], stride: Int = 1, colors: ColorMask? = nil,
    isNormalized: Bool = false, key: RandomKey
  ) {
    guard places.allSatisfy({ $0.row <= 0 }), !places.isEmpty else {
      fail("causal convolution: the kernel \(places) is empty or sees rows below")
    }
    weight =
      isNormalized
      ? key.fork(0).normal([outputs, inputs, places.count], deviation: 0.05)
      : Initializer.fanInUniform([outputs, inputs, places.count], key.fork(0))
    bias = .zeros([outputs])
    gain = isNormalized ? .ones([outputs]) : nil
    self.places = places
    self.stride = stride
    self.colors = colors
  }

  /// How many rows above the computed one the kernel sees.
  public var rowsAbove: Int { places.map { -$0.row }.max() ?? 0 }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    product(x, above: rowsAbove)
  }

  /// The result for the last of a few rows, [batch, 1, width, outputs], of as many as the kernel sees, [batch, rowsAbove + 1,
  /// width, inputs].
  public func lastRow(of rows: Tensor) -> Tensor { product(rows, above: 0) }

  private func product(_ x: Tensor, above: Int) -> Tensor {
    let left = max(0, places.map { -$0.column }.max() ?? 0)
    let right = max(0, places.map(\.column).max() ?? 0)
    let filled = x.padded([(0, 0), (above, 0), (left, right), (0, 0)])
    let (height, width) = (x.shape[1] + above - rowsAbove, x.shape[2])
    let seen = places.map { place in
      let row = rowsAbove + place.row
      let column = left + place.column
      let part = filled.sliced(1, row..<row + height).sliced(2, column..<column + width)
      return stride == 1 ? part : part.strided(1, by: stride).strided(2, by: stride)
    }
    return matrixProduct(concatenate(seen, axis: 3), matrix) + bias
  }

  /// [places · inputs, outputs].
  private var matrix: Tensor {
    var used = weight
    if let colors { used = used * mask(colors) }
    if let gain {
      used = used * (gain / (used.square().sum([1, 2]) + 1e-12).sqrt()).expanded([1, 2])
    }
    return used.transposed([2, 1, 0]).reshaped([-1, weight.shape[0]])
  }

  private func mask(_ colors: ColorMask) -> Tensor {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let values = (0..<outputs).flatMap { output in
      (0..<inputs).flatMap { input in
        let (from, to) = (input % colors.count, output % colors.count)
        let sees = from < to || (colors.isInclusive && from == to)
        return places.map { $0 == GridOffset(0, 0) && !sees ? Float(0) : 1 }
      }
    }
    return Tensor(values, shape: weight.shape).cast(to: weight.dataType)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor("gain", &gain)
    visitor.fixed("places", places)
    visitor.fixed("stride", stride)
    visitor.fixed("colors", colors)
  }
}

/// How the causal convolutions of a network are run: over a whole picture, or row by row, each remembering the rows above.
public struct CausalPass: Sendable {
  /// Rows above, [batch, rows, width, channels], by the name of who needs them; nil: whole pictures.
  public var memory: [String: Tensor]?
  /// A convolution with a gain takes the mean and deviation of its outputs away, by choice of its gain and bias.
  public var standardizes = false

  /// - Parameter memory: empty before the first row; nil for whole pictures.
  public init(memory: [String: Tensor]? = nil) { self.memory = memory }

  /// The convolution of a picture, or of the next row of one.
  /// - Parameter name: the same at every row and of no other convolution.
  public mutating func callAsFunction(
    _ layer: inout CausalConvolution, _ x: Tensor, _ name: String
  ) -> Tensor {
    if standardizes, layer.gain != nil { standardize(&layer, layer(x)) }
    guard memory != nil else { return layer(x) }
    return layer.lastRow(of: remember(layer, x, name))
  }

  /// Puts the next row below those that a convolution remembers, and gives all that it sees.
  @discardableResult
  public mutating func remember(_ layer: CausalConvolution, _ row: Tensor, _ name: String) -> Tensor
  {
    let count = layer.rowsAbove
    guard count > 0 else { return row }
    let shape = [row.shape[0], count] + row.shape[2...]
    let rows = concatenate([memory?[name] ?? .zeros(shape, row.dataType), row], axis: 1)
    memory?[name] = rows.sliced(1, 1..<count + 1)
    return rows
  }

  /// Data-dependent first values (arXiv:1602.07868, section 3): outputs of mean 0, whose deviation is the gain before.
  private func standardize(_ layer: inout CausalConvolution, _ y: Tensor) {
    guard let gain = layer.gain else { return }
    let factor = gain * (y.variance([0, 1, 2]) + 1e-10).rsqrt()
    layer.gain = (gain * factor).evaluated()
    layer.bias = ((layer.bias - y.mean([0, 1, 2])) * factor).evaluated()
  }
}

/// Operations of one operand that keep its type.
public enum UnaryOperation: String, Sendable, CaseIterable {
  case abs, negate, exponential, log, sqrt, rsqrt, cbrt, tanh, logistic, sine, cosine, tan, floor
  case ceil, sign, not
  case exponentialMinusOne = "exponential_minus_one"
  case logPlusOne = "log_plus_one"
  case roundNearestEven = "round_nearest_even"
  case roundNearestAwayFromZero = "round_nearest_afz"
  case erf
}

/// Operations of two operands of one type that keep this type. `remainder` has the sign of the
/// dividend; nothing is broadcast.
public enum BinaryOperation: String, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power, remainder, atan2, and, or, xor
  case shiftLeft = "shift_left"
  case shiftRightArithmetic = "shift_right_arithmetic"
  case shiftRightLogical = "shift_right_logical"
}

/// What a comparison asks.
public enum ComparisonDirection: String, Sendable, CaseIterable {
  case equal = "EQ"
  case notEqual = "NE"
  case less = "LT"
  case lessOrEqual = "LE"
  case greater = "GT"
  case greaterOrEqual = "GE"
}

/// How a comparison reads its operands. `totalOrder` orders every float:
/// -NaN < -inf < … < -0 < +0 < … < +inf < +NaN.
public enum ComparisonKind: String, Sendable, CaseIterable {
  case float = "FLOAT"
  case signed = "SIGNED"
  case unsigned = "UNSIGNED"
  case totalOrder = "TOTALORDER"
}

/// What joins two elements in reductions, windows and scatters.
public enum Combiner: String, Sendable, CaseIterable {
  case add, maximum, minimum, multiply, and, or
}

/// How exactly a product or convolution of f32 is computed where the device has a choice.
public enum Precision: String, Sendable {
  case standard = "DEFAULT"
  case high = "HIGH"
  case highest = "HIGHEST"
}

/// Elements added before the first and after the last element of an axis; negative ones crop.
public struct Padding: Hashable, Sendable {
  public var low: Int
  public var high: Int

  public init(_ low: Int, _ high: Int) {
    self.low = low
    self.high = high
  }

  var text: String { "[\(low), \(high)]" }
}

/// The windows of a pooling operation, one entry for every axis of the operand, batch and channels
/// included.
public struct PoolingWindow: Hashable, Sendable {
  public var sizes: [Int]
  public var strides: [Int]
  public var padding: [Padding]
  public var dilations: [Int]

  /// Strides and dilations default to 1, padding to none.
  public init(
    sizes: [Int], strides: [Int]? = nil, padding: [Padding]? = nil, dilations: [Int]? = nil
  ) {
    let ones = sizes.map { _ in 1 }
    self.sizes = sizes
    self.strides = strides ?? ones
    self.padding = padding ?? sizes.map { _ in Padding(0, 0) }
    self.dilations = dilations ?? ones
  }

  func outputShape(of shape: [Int]) -> [Int] {
    shape.indices.map { axis in
      windowCount(
        input: shape[axis], window: sizes[axis], stride: strides[axis], padding: padding[axis],
        dilation: dilations[axis])
    }
  }
}

/// Which axis means what in a convolution, in letters: `b` batch, `f` feature, digits for the
/// spatial axes; in the kernel `i` and `o` for input and output features.
public struct ConvolutionAxes: Hashable, Sendable {
  public var input: String
  public var kernel: String
  public var output: String

  /// For example `ConvolutionAxes("b01f", "01io", "b01f")`.
  public init(_ input: String, _ kernel: String, _ output: String) {
    self.input = input
    self.kernel = kernel
    self.output = output
  }

  var text: String {
    func list(_ letters: String) -> String {
      "[" + letters.map { String($0) }.joined(separator: ", ") + "]"
    }
    return "\(list(input))x\(list(kernel))->\(list(output))"
  }
}

/// The window of a convolution, one entry for every spatial axis in the order of its digits.
public struct ConvolutionWindow: Hashable, Sendable {
  public var strides: [Int]
  public var padding: [Padding]
  /// Zeros between the input's elements: distance of neighbours, 1 for none.
  public var inputDilation: [Int]
  /// Distance of neighbouring taps of the kernel, 1 for a dense kernel.
  public var kernelDilation: [Int]

  public init(
    padding: [Padding], strides: [Int]? = nil, inputDilation: [Int]? = nil,
    kernelDilation: [Int]? = nil
  ) {
    let ones = padding.map { _ in 1 }
    self.padding = padding
    self.strides = strides ?? ones
    self.inputDilation = inputDilation ?? ones
    self.kernelDilation = kernelDilation ?? ones
  }
}

/// How a scatter treats the element that is already there.
public enum ScatterMode: Sendable {
  case add, set
}

/// Windows that fit along one axis.
func windowCount(input: Int, window: Int, stride: Int, padding: Padding, dilation: Int) -> Int {
  let reach = window == 0 ? 0 : (window - 1) * dilation + 1
  let padded = input + padding.low + padding.high
  return padded < reach ? 0 : (padded - reach) / stride + 1
}

/// The size of an axis after `dilation - 1` zeros have come between its elements.
func dilated(_ size: Int, by dilation: Int) -> Int {
  size == 0 ? 0 : (size - 1) * dilation + 1
}

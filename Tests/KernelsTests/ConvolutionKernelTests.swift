import CKernels
import COneDNN
import Testing

/// A convolution of one to three axes.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  var batch = 2
  var inputs: Int
  var outputs: Int
  var groups = 1
  var size: [Int]
  var kernel: [Int]
  var stride: [Int]? = nil
  var dilation: [Int]? = nil
  var low: [Int]? = nil
  var high: [Int]? = nil
  var bias = false
  var relu = false

  var rank: Int { size.count }
  var testDescription: String {
    "\(batch) of \(size), \(inputs) to \(outputs) in \(groups), kernel \(kernel), stride "
      + "\(stride ?? []), dilation \(dilation ?? []), padding \(low ?? []) \(high ?? [])"
  }

  func descriptor(_ direction: apus_direction, _ type: apus_type) -> apus_convolution_descriptor {
    var d = apus_convolution_descriptor()
    d.direction = Int32(direction.rawValue)
    d.type = Int32(type.rawValue)
    d.spatial = Int32(rank)
    d.bias = bias && direction == APUS_FORWARD ? 1 : 0
    d.relu = relu && direction == APUS_FORWARD ? 1 : 0
    (d.batch, d.inputs) = (Int64(batch), Int64(inputs))
    (d.outputs, d.groups) = (Int64(outputs), Int64(groups))
    func set(_ tuple: inout (Int64, Int64, Int64), _ values: [Int]?, _ otherwise: Int64) {
      let all = (values ?? []).map { Int64($0) } + [Int64](repeating: otherwise, count: 3)
      tuple = (all[0], all[1], all[2])
    }
    set(&d.size, size, 0)
    set(&d.kernel, kernel, 0)
    set(&d.stride, stride, 1)
    set(&d.dilation, dilation, 1)
    set(&d.padding_low, low, 0)
    set(&d.padding_high, high, 0)
    return d
  }

  var outputSize: [Int] {
    var d = descriptor(APUS_FORWARD, APUS_FLOAT32)
    return (0..<rank).map { Int(unsafe apus_convolution_output_size(&d, Int32($0))) }
  }

  var xCount: Int { batch * size.reduce(1, *) * inputs }
  var yCount: Int { batch * outputSize.reduce(1, *) * outputs }
  var wCount: Int { outputs * (inputs / groups) * kernel.reduce(1, *) }

  private func points(_ sizes: [Int]) -> [[Int]] {
    sizes.reduce([[]]) { points, size in points.flatMap { p in (0..<size).map { p + [$0] } } }
  }

  /// Calls `body` with the positions of x, w and y of every multiplication that the convolution makes.
  func forEachTerm(_ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
    let (taps, pixels) = (points(kernel), points(outputSize))
    let (ins, outs) = (inputs / groups, outputs / groups)
    for image in 0..<batch {
      for (o, pixel) in pixels.enumerated() {
        for (t, tap) in taps.enumerated() {
          var at = image
          var inside = true
          for axis in 0..<rank {
            let position =
              pixel[axis] * (stride?[axis] ?? 1) + tap[axis] * (dilation?[axis] ?? 1)
              - (low?[axis] ?? 0)
            inside = inside && position >= 0 && position < size[axis]
            at = at * size[axis] + position
          }
          guard inside else { continue }
          for c in 0..<outputs {
            for i in 0..<ins {
              body(
                at * inputs + c / outs * ins + i, (c * ins + i) * taps.count + t,
                (image * pixels.count + o) * outputs + c)
            }
          }
        }
      }
    }
  }
}

extension ConvolutionCase {
  static let all: [ConvolutionCase] = [
    ConvolutionCase(
      batch: 5, inputs: 3, outputs: 17, size: [9, 7], kernel: [3, 3], low: [1, 1], high: [1, 1],
      bias: true, relu: true),
    ConvolutionCase(
      batch: 3, inputs: 16, outputs: 32, size: [8, 8], kernel: [4, 4], stride: [2, 2], low: [1, 1],
      high: [1, 1], bias: true),
    ConvolutionCase(
      inputs: 6, outputs: 4, size: [11, 10], kernel: [3, 2], stride: [3, 2], dilation: [2, 3],
      low: [2, 0], high: [1, 3], relu: true),
    ConvolutionCase(
      inputs: 8, outputs: 12, groups: 4, size: [6, 5], kernel: [3, 3], low: [1, 1], high: [1, 1]),
    ConvolutionCase(
      inputs: 24, outputs: 24, groups: 24, size: [10, 9], kernel: [3, 3], low: [1, 1],
      high: [1, 1], bias: true),
    ConvolutionCase(
      inputs: 5, outputs: 10, groups: 5, size: [9, 9], kernel: [5, 5], stride: [2, 2], low: [2, 2],
      high: [2, 2]),
    ConvolutionCase(
      batch: 4, inputs: 48, outputs: 48, groups: 48, size: [12, 12], kernel: [5, 5], low: [2, 2],
      high: [2, 2]),
    ConvolutionCase(inputs: 7, outputs: 9, size: [6, 5], kernel: [1, 1], bias: true, relu: true),
    ConvolutionCase(batch: 40, inputs: 33, outputs: 70, size: [5, 5], kernel: [1, 1], bias: true),
    ConvolutionCase(inputs: 7, outputs: 9, size: [7, 5], kernel: [1, 1], stride: [2, 2]),
    ConvolutionCase(
      batch: 3, inputs: 10, outputs: 20, size: [50], kernel: [2], dilation: [8], low: [8],
      bias: true),
    ConvolutionCase(
      inputs: 1, outputs: 4, size: [33], kernel: [5], stride: [2], low: [2], high: [2]),
    ConvolutionCase(
      inputs: 3, outputs: 8, size: [4, 5, 6], kernel: [3, 3, 3], stride: [1, 2, 1],
      low: [1, 1, 1], high: [1, 1, 1], bias: true),
    ConvolutionCase(inputs: 4, outputs: 4, groups: 2, size: [5, 4, 3], kernel: [2, 1, 3]),
    ConvolutionCase(batch: 1, inputs: 1, outputs: 1, size: [1, 1], kernel: [1, 1]),
    ConvolutionCase(
      batch: 1, inputs: 2, outputs: 3, size: [2, 2], kernel: [3, 3], low: [2, 2], high: [2, 2]),
    ConvolutionCase(batch: 0, inputs: 3, outputs: 4, size: [5, 5], kernel: [3, 3]),
    // Enough work for minimal filtering: even and odd sizes, every padding, parts of blocks.
    ConvolutionCase(
      batch: 4, inputs: 64, outputs: 48, size: [15, 12], kernel: [3, 3], low: [1, 1], high: [1, 1]),
    ConvolutionCase(
      batch: 5, inputs: 32, outputs: 64, size: [13, 16], kernel: [3, 3], low: [2, 0],
      high: [0, 1], bias: true, relu: true),
    ConvolutionCase(
      batch: 2, inputs: 336, outputs: 288, size: [5, 4], kernel: [3, 3], low: [1, 1],
      high: [1, 1], bias: true),
    // One image, large enough to be cut into bands.
    ConvolutionCase(
      batch: 1, inputs: 32, outputs: 48, size: [61, 40], kernel: [3, 3], low: [1, 1],
      high: [1, 1], bias: true, relu: true),
    ConvolutionCase(
      batch: 1, inputs: 64, outputs: 64, size: [33, 31], kernel: [5, 3], stride: [2, 1],
      dilation: [2, 1], low: [4, 1], high: [5, 1]),
    ConvolutionCase(
      batch: 1, inputs: 64, outputs: 64, size: [6, 300], kernel: [3, 3], low: [2, 1], high: [2, 1]),
    // Large weights on few pixels: columns and a matrix product.
    ConvolutionCase(
      batch: 3, inputs: 300, outputs: 400, size: [4, 3], kernel: [3, 3], low: [1, 1],
      high: [1, 1], bias: true, relu: true),
    ConvolutionCase(
      inputs: 600, outputs: 513, size: [9], kernel: [4], stride: [2], dilation: [2], low: [3],
      high: [1]),
    // Weights of several pieces, an odd number of images in each partial sum.
    ConvolutionCase(
      batch: 7, inputs: 64, outputs: 128, size: [6, 6], kernel: [3, 3], low: [1, 1], high: [1, 1]),
  ]
}

@Suite struct ConvolutionKernelTests {
  static let directions = [APUS_FORWARD, APUS_BACKWARD_DATA, APUS_BACKWARD_WEIGHTS]

  /// Inputs and expected results of a case by the definition, in float64.
  private struct Sums {
    var x: [Float]
    var w: [Float]
    var y: [Float]  // or its gradient
    var bias: [Float]
    private let test: ConvolutionCase

    init(_ test: ConvolutionCase, rounded: (Float) -> Float = { $0 }) {
      var numbers = Numbers(seed: 21)
      x = numbers.floats(test.xCount).map(rounded)
      w = numbers.floats(test.wCount).map(rounded)
      y = numbers.floats(test.yCount).map(rounded)
      bias = numbers.floats(test.outputs)
      self.test = test
    }

    func expected(_ direction: apus_direction) -> [Double] {
      var dx = [Double](repeating: 0, count: x.count)
      var dw = [Double](repeating: 0, count: w.count)
      var sums = y.indices.map { test.bias ? Double(bias[$0 % test.outputs]) : 0 }
      switch direction {
      case APUS_FORWARD:
        test.forEachTerm { i, j, k in sums[k] += Double(x[i]) * Double(w[j]) }
        return test.relu ? sums.map { max(0, $0) } : sums
      case APUS_BACKWARD_DATA:
        test.forEachTerm { i, j, k in dx[i] += Double(y[k]) * Double(w[j]) }
        return dx
      default:
        test.forEachTerm { i, j, k in dw[j] += Double(y[k]) * Double(x[i]) }
        return dw
      }
    }
  }

  /// Whether the processor has bfloat16 convolutions.
  static let hasBFloat16: Bool = {
    let test = ConvolutionCase(inputs: 16, outputs: 16, size: [8, 8], kernel: [3, 3])
    var d = test.descriptor(APUS_FORWARD, APUS_BFLOAT16)
    var kernel = unsafe apus_kernel()
    guard unsafe apus_convolution_prepare(&d, &kernel) == 0 else { return false }
    unsafe apus_kernel_destroy(&kernel)
    return true
  }()

  private func compute<Value: BitwiseCopyable>(
    _ test: ConvolutionCase, _ direction: apus_direction, _ type: apus_type, _ sums: Sums,
    fill: Value, bias: Memory, _ convert: (Float) -> Value
  ) -> [Value] {
    var d = test.descriptor(direction, type)
    let (x, w, y) = (sums.x.map(convert), sums.w.map(convert), sums.y.map(convert))
    let inputs: [Memory]
    let count: Int
    switch direction {
    case APUS_FORWARD:
      (inputs, count) = ([Memory(x), Memory(w)] + (test.bias ? [bias] : []), y.count)
    case APUS_BACKWARD_DATA: (inputs, count) = ([Memory(y), Memory(w)], x.count)
    default: (inputs, count) = ([Memory(x), Memory(y)], w.count)
    }
    let output = Memory(count, of: fill)
    let done = run(inputs + [output]) { unsafe apus_convolution_prepare(&d, $0.pointer) }
    #expect(done, "\(unsafe String(cString: apus_onednn_error()))")
    return output.values(Value.self)
  }

  @Test("All directions agree with the definition", arguments: ConvolutionCase.all, directions)
  func float32(test: ConvolutionCase, direction: apus_direction) {
    let sums = Sums(test)
    let values = compute(
      test, direction, APUS_FLOAT32, sums, fill: Float.nan, bias: Memory(sums.bias)
    ) { $0 }
    #expect(agree(values, sums.expected(direction), 2e-4))
  }

  @Test("float64 agrees with the definition", arguments: ConvolutionCase.all, directions)
  func float64(test: ConvolutionCase, direction: apus_direction) {
    let sums = Sums(test)
    let bias = Memory(sums.bias.map { Double($0) })
    let values = compute(test, direction, APUS_FLOAT64, sums, fill: Double.nan, bias: bias) {
      Double($0)
    }
    #expect(agree(values, sums.expected(direction), 1e-11))
  }

  @Test(
    "bfloat16 forward", .enabled(if: hasBFloat16, "this processor has no bfloat16 convolutions"),
    arguments: ConvolutionCase.all)
  func bfloat16(test: ConvolutionCase) {
    func narrow(_ value: Float) -> UInt16 { UInt16(truncatingIfNeeded: value.bitPattern >> 16) }
    func wide(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
    let sums = Sums(test) { wide(narrow($0)) }
    let values = compute(
      test, APUS_FORWARD, APUS_BFLOAT16, sums, fill: UInt16(0x7FC0), bias: Memory(sums.bias), narrow
    )
    #expect(agree(values.map(wide), sums.expected(APUS_FORWARD), 0x1p-8))
  }

  @Test("The backward directions are adjoint to the forward one", arguments: ConvolutionCase.all)
  func adjoint(test: ConvolutionCase) {
    var test = test
    (test.bias, test.relu) = (false, false)
    let sums = Sums(test)
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    func result(_ direction: apus_direction) -> [Float] {
      compute(test, direction, APUS_FLOAT32, sums, fill: Float.nan, bias: Memory([Float]())) { $0 }
    }
    let forward = dot(result(APUS_FORWARD), sums.y)
    let tolerance = 1e-6 * Double(max(1, sums.y.count)) + 1e-4
    #expect(abs(forward - dot(sums.x, result(APUS_BACKWARD_DATA))) < tolerance)
    #expect(abs(forward - dot(sums.w, result(APUS_BACKWARD_WEIGHTS))) < tolerance)
  }

  @Test("Large convolutions of 3 x 3 take minimal filtering")
  func algorithm() {
    func name(_ test: ConvolutionCase, _ direction: apus_direction) -> String {
      var d = test.descriptor(direction, APUS_FLOAT32)
      var kernel = unsafe apus_kernel()
      guard unsafe apus_convolution_prepare(&d, &kernel) == 0 else { return "" }
      defer { unsafe apus_kernel_destroy(&kernel) }
      return unsafe String(cString: apus_onednn_algorithm(&kernel))
    }
    let large = ConvolutionCase(
      batch: 4, inputs: 64, outputs: 48, size: [15, 12], kernel: [3, 3], low: [1, 1], high: [1, 1])
    var strided = large
    strided.stride = [2, 2]
    for direction in Self.directions {
      #expect(name(large, direction) == "winograd")
      #expect(name(strided, direction) != "winograd")
    }
  }

  @Test("A wrong description is refused with a sentence")
  func errors() {
    func message(_ change: (inout apus_convolution_descriptor) -> Void) -> String {
      let test = ConvolutionCase(inputs: 4, outputs: 6, size: [5, 5], kernel: [3, 3])
      var d = test.descriptor(APUS_FORWARD, APUS_FLOAT32)
      change(&d)
      #expect(!run([]) { unsafe apus_convolution_prepare(&d, $0.pointer) })
      return unsafe String(cString: apus_onednn_error())
    }
    #expect(message { $0.spatial = 4 }.contains("4 spatial axes"))
    #expect(message { $0.groups = 4 }.contains("6 outputs in 4 groups"))
    #expect(message { $0.kernel.1 = 9 }.contains("axis 1 the kernel reaches over 9 values"))
    #expect(message { $0.padding_low.0 = -1 }.contains("axis 0 has a negative padding"))
    #expect(message { $0.stride.0 = 0 }.contains("stride 0"))
    #expect(message { $0.size.0 = 0 }.contains("size 0"))
    #expect(message { ($0.direction, $0.bias) = (1, 1) }.contains("forward direction"))
  }
}

import CKernels
import Testing

/// One setting of a pooling over two axes.
struct PoolCase: Sendable, CustomTestStringConvertible {
  var batch: Int, input: [Int], channels: Int, kernel: [Int], stride: [Int], dilation = [1, 1]
  var low = [0, 0], high = [0, 0], ceil = false, countsPadding = false

  var testDescription: String {
    "\(batch) x \(input) x \(channels), kernel \(kernel) stride \(stride) low \(low) dilation \(dilation)"
  }

  var output: [Int] {
    (0..<2).map { axis in
      let room = input[axis] + low[axis] + high[axis] - (kernel[axis] - 1) * dilation[axis] - 1
      return (room + (ceil ? stride[axis] - 1 : 0)) / stride[axis] + 1
    }
  }

  static let all = [
    PoolCase(batch: 2, input: [6, 8], channels: 3, kernel: [2, 2], stride: [2, 2]),
    PoolCase(
      batch: 1, input: [7, 7], channels: 40, kernel: [3, 3], stride: [2, 2], low: [1, 1],
      high: [1, 1]),
    PoolCase(
      batch: 3, input: [7, 6], channels: 17, kernel: [3, 2], stride: [2, 3], low: [1, 0],
      high: [1, 1], ceil: true,
      countsPadding: true),
    PoolCase(
      batch: 1, input: [1, 50], channels: 5, kernel: [1, 4], stride: [1, 1], low: [0, 2],
      high: [0, 1]),
    PoolCase(batch: 40, input: [8, 8], channels: 64, kernel: [8, 8], stride: [8, 8]),
    PoolCase(batch: 0, input: [4, 4], channels: 2, kernel: [2, 2], stride: [2, 2]),
  ]
  static let dilated =
    all + [
      PoolCase(
        batch: 2, input: [9, 10], channels: 20, kernel: [3, 3], stride: [1, 2], dilation: [2, 3],
        low: [1, 1],
        high: [2, 2])
    ]

  func description(_ type: apus_type) -> apus_pool {
    func axis(_ i: Int) -> apus_pool_axis {
      apus_pool_axis(
        input: Int64(input[i]), output: Int64(output[i]), kernel: Int64(kernel[i]),
        stride: Int64(stride[i]),
        dilation: Int64(dilation[i]), low: Int64(low[i]), high: Int64(high[i]))
    }
    let none = apus_pool_axis(
      input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, low: 0, high: 0)
    return apus_pool(
      batch: Int64(batch), channels: Int64(channels), axes: (none, axis(0), axis(1)),
      type: Int32(type.rawValue),
      counts_padding: countsPadding ? 1 : 0)
  }

  var inputCount: Int { batch * input[0] * input[1] * channels }
  var outputCount: Int { batch * output[0] * output[1] * channels }

  /// For every output: the inputs of its window (by element), and how many places an average counts.
  var windows: [(inputs: [Int], counted: Int)] {
    (0..<outputCount).map { at in
      let c = at % channels
      let ox = at / channels % output[1]
      let oy = at / channels / output[1] % output[0]
      let image = at / channels / output[1] / output[0]
      var inputs: [Int] = []
      var counted = 0
      for i in 0..<kernel[0] {
        for j in 0..<kernel[1] {
          let y = oy * stride[0] - low[0] + i * dilation[0]
          let x = ox * stride[1] - low[1] + j * dilation[1]
          if y < input[0] + high[0] && x < input[1] + high[1] { counted += 1 }
          if (0..<input[0]).contains(y) && (0..<input[1]).contains(x) {
            inputs.append(((image * input[0] + y) * input[1] + x) * channels + c)
          }
        }
      }
      return (inputs, countsPadding ? counted : inputs.count)
    }
  }
}

@Suite struct PoolingKernelTests {
  @Test(
    "The maximum of a window, its place and its gradient", arguments: PoolCase.dilated,
    instructionSets)
  func maximum(pool: PoolCase, set: String) {
    var numbers = Numbers(seed: 51)
    let x = numbers.floats(pool.inputCount)
    let dy = numbers.floats(pool.outputCount)
    var expected: [Float] = []
    var places: [Int32] = []
    var gradient = [Double](repeating: 0, count: x.count)
    for (at, window) in pool.windows.enumerated() {
      let best = window.inputs.max { x[$0] < x[$1] }
      expected.append(best.map { x[$0] } ?? -.infinity)
      places.append(best.map { Int32($0 / pool.channels % (pool.input[0] * pool.input[1])) } ?? -1)
      if let best { gradient[best] += Double(dy[at]) }
    }
    let y = Memory(dy)
    let found = Memory(dy.count, of: Int32(7))
    let dx = Memory(x)
    var description = pool.description(APUS_FLOAT32)
    #expect(
      run(on: set, [Memory(x), y, found]) { unsafe apus_max_pool_prepare(&description, $0.pointer) }
    )
    #expect(y.values(Float.self) == expected)
    #expect(found.values(Int32.self) == places)
    #expect(
      run(on: set, [Memory(dy), found, dx]) {
        unsafe apus_max_pool_gradient_prepare(&description, $0.pointer)
      })
    #expect(agree(dx.values(Float.self), gradient, 1e-6))
    var wide = pool.description(APUS_FLOAT64)
    let y64 = Memory(dy.map { Double($0) })
    let dx64 = Memory(x.map { Double($0) })
    let x64 = Memory(x.map { Double($0) })
    let dy64 = Memory(dy.map { Double($0) })
    #expect(run(on: set, [x64, y64, found]) { unsafe apus_max_pool_prepare(&wide, $0.pointer) })
    #expect(
      run(on: set, [dy64, found, dx64]) { unsafe apus_max_pool_gradient_prepare(&wide, $0.pointer) }
    )
    #expect(agree(y64.values(Double.self), expected.map { Double($0) }, 0))
    #expect(agree(dx64.values(Double.self), gradient, 1e-14))
  }

  @Test("The average of a window and its gradient", arguments: PoolCase.all, instructionSets)
  func average(pool: PoolCase, set: String) {
    var numbers = Numbers(seed: 52)
    let x = numbers.floats(pool.inputCount).map { Double($0) }
    let dy = numbers.floats(pool.outputCount).map { Double($0) }
    var expected: [Double] = []
    var gradient = [Double](repeating: 0, count: x.count)
    for (at, window) in pool.windows.enumerated() {
      expected.append(window.inputs.reduce(0) { $0 + x[$1] } / Double(max(1, window.counted)))
      for i in window.inputs { gradient[i] += dy[at] / Double(window.counted) }
    }
    var single = pool.description(APUS_FLOAT32)
    var double = pool.description(APUS_FLOAT64)
    let y32 = Memory(dy.map { Float($0) })
    let dx32 = Memory(x.map { Float($0) })
    let y64 = Memory(dy)
    let dx64 = Memory(x)
    let x32 = Memory(x.map { Float($0) })
    let dy32 = Memory(dy.map { Float($0) })
    #expect(run(on: set, [x32, y32]) { unsafe apus_average_pool_prepare(&single, $0.pointer) })
    #expect(
      run(on: set, [dy32, dx32]) { unsafe apus_average_pool_gradient_prepare(&single, $0.pointer) })
    #expect(
      run(on: set, [Memory(x), y64]) { unsafe apus_average_pool_prepare(&double, $0.pointer) })
    #expect(
      run(on: set, [Memory(dy), dx64]) {
        unsafe apus_average_pool_gradient_prepare(&double, $0.pointer)
      })
    #expect(
      agree(y32.values(Float.self), expected, 1e-6)
        && agree(y64.values(Double.self), expected, 1e-13))
    #expect(
      agree(dx32.values(Float.self), gradient, 1e-6)
        && agree(dx64.values(Double.self), gradient, 1e-13))
  }

  @Test("NaN wins a maximum")
  func notANumber() {
    var description = PoolCase.all[0].description(APUS_FLOAT32)
    let pool = PoolCase.all[0]
    var x = [Float](repeating: 1, count: pool.inputCount)
    x[0] = .nan
    let y = Memory(pool.outputCount, of: Float(0))
    let places = Memory(pool.outputCount, of: Int32(0))
    #expect(run([Memory(x), y, places]) { unsafe apus_max_pool_prepare(&description, $0.pointer) })
    #expect(y.values(Float.self)[0].isNaN)
    #expect(y.values(Float.self).dropFirst().allSatisfy { $0 == 1 })
  }
}

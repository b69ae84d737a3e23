import Tensors
import TestSupport
import Testing
import XLA

/// Every elementwise row on a plugin against the CPU: all element types that it takes, no, one and many elements.
@Suite(.ifPluginIsInstalled) struct ElementwisePrimitiveTests {
  static let unary: [Unary] = [
    .negate, .abs, .sign, .floor, .ceil, .round, .square, .sqrt, .rsqrt, .reciprocal, .exp, .expm1,
    .log, .log1p, .sin, .cos, .tan, .tanh, .sigmoid, .softplus, .erf, .relu, .gelu, .geluTanh,
    .silu, .not, .isFinite, .isNaN,
  ]
  static let binary: [Binary] = [
    .add, .subtract, .multiply, .divide, .maximum, .minimum, .power, .remainder, .atan2, .equal,
    .notEqual, .less, .lessOrEqual, .and, .or, .xor, .shiftLeft, .shiftRight,
  ]

  /// The first `count` of some numbers between 0 and 1 for floats, around 0 for integers.
  private func operand(_ type: DataType, _ count: Int, _ seed: UInt64) -> Tensor {
    let key = RandomKey(seed: seed)
    if type.isFloatingPoint {
      return key.uniform([count], in: 0.1..<0.9, .float64).cast(to: type)
    }
    if type == .bool { return key.integers(below: 2, [count]).cast(to: .bool) }
    let whole = key.integers(below: 13, [count])
    return (type == .uint8 ? whole : whole - 6).cast(to: type)
  }

  /// Applies a primitive to operands of all element types that it takes and of three sizes, in one program.
  private func check(_ primitive: any Primitive, operands count: Int) throws {
    let device = try Device.xla(plugin: "cpu")
    let isShift = primitive.name.hasPrefix("shift")
    let types = DataType.allCases.filter { type in
      // Truth values are not shifted, whatever the rule for integers says.
      if isShift, type == .bool { return false }
      let operands = [TensorType](repeating: TensorType([3], type), count: count)
      return (try? primitive.outputTypes(operands)) != nil
    }
    #expect(!types.isEmpty)
    let points = types.flatMap { type in
      [0, 1, 77].flatMap { size in
        (0..<count).map { operand(type, size, UInt64(100 * $0 + size)) }
      }
    }
    let problems = try deviceProblems(on: device, at: points) { tensors in
      stride(from: 0, to: tensors.count, by: count).map { start in
        var operands = Array(tensors[start..<(start + count)])
        // Shifts by negative numbers mean nothing.
        if isShift { operands[1] = operands[1].and(operands[1].onesLike() * 7) }
        return Tensor(primitive, operands)
      }
    }
    #expect(problems == [], "\(primitive.name)")
  }

  @Test(arguments: unary) func `A function of one tensor is the CPU's`(_ row: Unary) throws {
    try check(row, operands: 1)
  }

  @Test(arguments: binary) func `A function of two tensors is the CPU's`(_ row: Binary) throws {
    try check(row, operands: 2)
  }

  @Test func `Casts are the CPU's, of every type to every other`() throws {
    let numbers = [0, 1, -1, 1.9, -1.9, 255, 256, 300, -300, 3e9, -3e9, 1e19, -1e19]
    let floats = numbers + [.infinity, -.infinity, .nan, 0.5, -0.0, 65504, 1e-8]
    for source in DataType.allCases {
      let x = Tensor(source.isFloatingPoint ? floats : numbers).cast(to: source)
      let problems = try deviceProblems(on: .xla(plugin: "cpu"), at: [x], order: 1) { operands in
        DataType.allCases.map { operands[0].cast(to: $0) }
      }
      #expect(problems == [], "of \(source)")
    }
  }

  @Test func `Functions are the CPU's where they are special`() throws {
    let special: [Double] = [0, -0.0, 1, -1, 1e30, -1e30, 1e-30, .infinity, -.infinity, .nan]
    let a = special.flatMap { x in special.map { _ in x } }
    let b = special.flatMap { _ in special }
    for type in [DataType.float32, .float64] {
      let points = [Tensor(a).cast(to: type), Tensor(b).cast(to: type)]
      let problems = try deviceProblems(on: .xla(plugin: "cpu"), at: points, order: 0) { x in
        let values = ElementwisePrimitiveTests.specialUnary.map { Tensor($0, [x[0]]) }
        return values + ElementwisePrimitiveTests.specialBinary.map { Tensor($0, x) }
      }
      #expect(problems == [], "\(type)")
    }
  }

  /// At −∞ the definitions of the last three of these give NaN, the CPU's kernels the limit 0.
  static let specialUnary: [Unary] = unary.filter { ![.not, .gelu, .geluTanh, .silu].contains($0) }
  static let specialBinary: [Binary] = Array(binary.prefix(13))

  @Test func `Select is the CPU's for all types`() throws {
    let condition = Tensor([true, false, true, false, false])
    for type in DataType.allCases {
      let points = [operand(type, 5, 1), operand(type, 5, 2)]
      #expect(
        try deviceProblems(on: .xla(plugin: "cpu"), at: points) {
          [select(condition, $0[0], $0[1])]
        } == [], "\(type)")
    }
  }
}

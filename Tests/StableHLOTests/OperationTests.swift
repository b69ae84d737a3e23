import StableHLO
import Testing

/// The lines that `build` appends to a function with arguments `%v0`, `%v1`, … of these types,
/// without their indentation.
func lines(
  _ arguments: [ValueType], _ build: (inout FunctionBuilder, [Value]) -> Void
) -> [String] {
  var function = FunctionBuilder(arguments: arguments.map { FunctionArgument($0) })
  build(&function, function.arguments)
  return ModuleText([function.finish(returning: [])]).text.split(separator: "\n").dropFirst(2)
    .dropLast(3).map { line in String(line.drop { $0 == " " }) }
}

func f32(_ shape: Int...) -> ValueType { ValueType(shape, .f32) }
func i32(_ shape: Int...) -> ValueType { ValueType(shape, .i32) }

/// One row of a table: an operation on arguments and the text it must give.
struct Sample: Sendable, CustomTestStringConvertible {
  let text: String
  let arguments: [ValueType]
  let build: @Sendable (inout FunctionBuilder, [Value]) -> Value

  init(
    _ text: String, _ arguments: [ValueType],
    _ build: @escaping @Sendable (inout FunctionBuilder, [Value]) -> Value
  ) {
    self.text = text
    self.arguments = arguments
    self.build = build
  }

  var testDescription: String { text }
}

@Suite struct OperationTests {
  @Test("A unary operation keeps its operand's type", arguments: UnaryOperation.allCases)
  func unary(operation: UnaryOperation) {
    let text = lines([f32(2, 3)]) { f, a in
      #expect(f.unary(operation, a[0]).type == f32(2, 3))
    }
    let expected =
      operation == .erf
      ? "%v1 = chlo.erf %v0 : tensor<2x3xf32> -> tensor<2x3xf32>"
      : "%v1 = stablehlo.\(operation.rawValue) %v0 : tensor<2x3xf32>"
    #expect(text == [expected])
  }

  @Test("A binary operation has one type", arguments: BinaryOperation.allCases)
  func binary(operation: BinaryOperation) {
    let text = lines([f32(2, 3), f32(2, 3)]) { f, a in
      #expect(f.binary(operation, a[0], a[1]).type == f32(2, 3))
    }
    #expect(text == ["%v2 = stablehlo.\(operation.rawValue) %v0, %v1 : tensor<2x3xf32>"])
  }

  @Test("An operation's text names operands, attributes and types", arguments: elementwise + shapes)
  func sample(_ sample: Sample) {
    let text = lines(sample.arguments) { f, a in
      let result = sample.build(&f, a)
      #expect(sample.text.hasSuffix(result.type.description), "\(result.type)")
    }
    #expect(text.last == sample.text)
  }

  static let elementwise: [Sample] = [
    Sample(
      "%v1 = stablehlo.is_finite %v0 : (tensor<3xf32>) -> tensor<3xi1>", [f32(3)]
    ) { f, a in f.isFinite(a[0]) },
    Sample(
      "%v2 = stablehlo.compare GT, %v0, %v1, FLOAT : "
        + "(tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>",
      [f32(2, 3), f32(2, 3)]
    ) { f, a in f.compare(.greater, a[0], a[1]) },
    Sample(
      "%v2 = stablehlo.compare NE, %v0, %v1, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>",
      [i32(3), i32(3)]
    ) { f, a in f.compare(.notEqual, a[0], a[1]) },
    Sample(
      "%v1 = stablehlo.compare LE, %v0, %v0, UNSIGNED : "
        + "(tensor<3xui8>, tensor<3xui8>) -> tensor<3xi1>",
      [ValueType([3], .ui8)]
    ) { f, a in f.compare(.lessOrEqual, a[0], a[0]) },
    Sample(
      "%v1 = stablehlo.compare LT, %v0, %v0, TOTALORDER : "
        + "(tensor<f32>, tensor<f32>) -> tensor<i1>",
      [f32()]
    ) { f, a in f.compare(.less, a[0], a[0], kind: .totalOrder) },
    Sample(
      "%v3 = stablehlo.select %v0, %v1, %v2 : tensor<2x3xi1>, tensor<2x3xf32>",
      [ValueType([2, 3], .i1), f32(2, 3), f32(2, 3)]
    ) { f, a in f.select(a[0], a[1], a[2]) },
    Sample(
      "%v2 = stablehlo.clamp %v0, %v1, %v0 : "
        + "(tensor<f32>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>",
      [f32(), f32(2, 3)]
    ) { f, a in f.clamp(a[0], a[1], a[0]) },
    Sample(
      "%v1 = stablehlo.convert %v0 : (tensor<2x3xf32>) -> tensor<2x3xbf16>", [f32(2, 3)]
    ) { f, a in f.convert(a[0], to: .bf16) },
    Sample(
      "%v1 = stablehlo.bitcast_convert %v0 : (tensor<2x3xf32>) -> tensor<2x3xui32>", [f32(2, 3)]
    ) { f, a in f.bitcastConvert(a[0], to: .ui32) },
    Sample(
      "%v1 = stablehlo.bitcast_convert %v0 : (tensor<2xui64>) -> tensor<2x2xui32>",
      [ValueType([2], .ui64)]
    ) { f, a in f.bitcastConvert(a[0], to: .ui32) },
    Sample(
      "%v1 = stablehlo.bitcast_convert %v0 : (tensor<3x4xui8>) -> tensor<3xf32>",
      [ValueType([3, 4], .ui8)]
    ) { f, a in f.bitcastConvert(a[0], to: .f32) },
  ]

  static let shapes: [Sample] = [
    Sample("%v0 = stablehlo.iota dim = 0 : tensor<2x3xi32>", []) { f, _ in f.iota(0, i32(2, 3)) },
    Sample(
      "%v1 = stablehlo.broadcast_in_dim %v0, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>",
      [f32(3)]
    ) { f, a in f.broadcastInDim(a[0], axes: [1], to: [2, 3]) },
    Sample(
      "%v1 = stablehlo.broadcast_in_dim %v0, dims = [] : (tensor<f32>) -> tensor<0x3xf32>", [f32()]
    ) { f, a in f.broadcastInDim(a[0], axes: [], to: [0, 3]) },
    Sample(
      "%v1 = stablehlo.reshape %v0 : (tensor<2x3xf32>) -> tensor<3x2xf32>", [f32(2, 3)]
    ) { f, a in f.reshape(a[0], to: [3, 2]) },
    Sample(
      "%v1 = stablehlo.transpose %v0, dims = [1, 2, 0] : (tensor<2x3x5xf32>) -> tensor<3x5x2xf32>",
      [f32(2, 3, 5)]
    ) { f, a in f.transpose(a[0], [1, 2, 0]) },
    Sample(
      "%v1 = stablehlo.reverse %v0, dims = [1] : tensor<2x3xf32>", [f32(2, 3)]
    ) { f, a in f.reverse(a[0], axes: [1]) },
    Sample(
      "%v1 = stablehlo.slice %v0 [1:4:2, 0:6:3] : (tensor<4x6xf32>) -> tensor<2x2xf32>",
      [f32(4, 6)]
    ) { f, a in f.slice(a[0], starts: [1, 0], limits: [4, 6], strides: [2, 3]) },
    Sample(
      "%v3 = stablehlo.dynamic_slice %v0, %v1, %v2, sizes = [2, 3] : "
        + "(tensor<4x6xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>",
      [f32(4, 6), i32(), i32()]
    ) { f, a in f.dynamicSlice(a[0], starts: [a[1], a[2]], sizes: [2, 3]) },
    Sample(
      "%v4 = stablehlo.dynamic_update_slice %v0, %v1, %v2, %v3 : "
        + "(tensor<4x6xf32>, tensor<2x2xf32>, tensor<i32>, tensor<i32>) -> tensor<4x6xf32>",
      [f32(4, 6), f32(2, 2), i32(), i32()]
    ) { f, a in f.dynamicUpdateSlice(a[0], a[1], starts: [a[2], a[3]]) },
    Sample(
      "%v2 = stablehlo.concatenate %v0, %v1, dim = 1 : "
        + "(tensor<2x3xf32>, tensor<2x2xf32>) -> tensor<2x5xf32>",
      [f32(2, 3), f32(2, 2)]
    ) { f, a in f.concatenate([a[0], a[1]], axis: 1) },
    Sample(
      "%v2 = stablehlo.pad %v0, %v1, low = [1, 0], high = [0, -1], interior = [1, 0] : "
        + "(tensor<2x3xf32>, tensor<f32>) -> tensor<4x2xf32>",
      [f32(2, 3), f32()]
    ) { f, a in f.pad(a[0], with: a[1], [Padding(1, 0), Padding(0, -1)], interior: [1, 0]) },
  ]

  @Test("A barrier returns each operand under a new name")
  func barrier() {
    let text = lines([f32(2), i32()]) { f, a in
      #expect(f.optimizationBarrier(a).map(\.type) == [f32(2), i32()])
    }
    #expect(
      text == ["%v2, %v3 = stablehlo.optimization_barrier %v0, %v1 : tensor<2xf32>, tensor<i32>"])
  }
}

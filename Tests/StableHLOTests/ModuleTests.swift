import StableHLO
import Testing

@Suite struct ModuleTests {
  @Test("A module writes donations, results and private functions")
  func module() {
    var twice = FunctionBuilder(name: "twice", arguments: [FunctionArgument(f32(2))])
    let double = twice.finish(
      returning: [twice.binary(.add, twice.arguments[0], twice.arguments[0])])
    var main = FunctionBuilder(arguments: [
      FunctionArgument(f32(2), donation: .output(0)), FunctionArgument(i32()),
      FunctionArgument(f32(2), donation: .anyOutput),
    ])
    let result = main.call(double, [main.arguments[0]])
    #expect(result.map(\.type) == [f32(2)])
    let step = main.finish(returning: result + [main.arguments[1]])
    #expect(
      ModuleText(name: "step", [double, step]).text == """
        module @step {
          func.func private @twice(%v0: tensor<2xf32>) -> (tensor<2xf32>) {
            %v1 = stablehlo.add %v0, %v0 : tensor<2xf32>
            return %v1 : tensor<2xf32>
          }
          func.func public @main(%v0: tensor<2xf32> {tf.aliasing_output = 0 : i32}, \
        %v1: tensor<i32>, %v2: tensor<2xf32> {jax.buffer_donor = true}) -> \
        (tensor<2xf32>, tensor<i32>) {
            %v3 = func.call @twice(%v0) : (tensor<2xf32>) -> tensor<2xf32>
            return %v3, %v1 : tensor<2xf32>, tensor<i32>
          }
        }

        """)
  }

  @Test("A loop and its branches share the names around them")
  func controlFlow() {
    let text = lines([i32(), f32(2, 3), ValueType([], .i1)]) { f, a in
      let one = f.constant(1, i32())
      let results = f.whileLoop(
        [a[0], a[1]], condition: { f, v in f.compare(.less, v[0], one) },
        body: { f, v in
          let next = f.binary(.add, v[0], one)
          let chosen = f.ifElse(
            a[2], then: { f in [f.unary(.tanh, v[1])] }, otherwise: { _ in [a[1]] })
          return [next] + chosen
        })
      #expect(results.map(\.type) == [i32(), f32(2, 3)])
      let cases = f.switchCase(
        a[0], branches: [{ _ in [a[0], a[1]] }, { f in [one, f.unary(.abs, a[1])] }])
      #expect(cases.map(\.type) == [i32(), f32(2, 3)])
    }
    #expect(
      text == [
        "%v3 = stablehlo.constant dense<1> : tensor<i32>",
        "%v10, %v11 = stablehlo.while(%v4 = %v0, %v5 = %v1) : tensor<i32>, tensor<2x3xf32>",
        "cond {",
        "%v6 = stablehlo.compare LT, %v4, %v3, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>",
        "stablehlo.return %v6 : tensor<i1>",
        "} do {",
        "%v7 = stablehlo.add %v4, %v3 : tensor<i32>",
        "%v9 = \"stablehlo.if\"(%v2) ({",
        "%v8 = stablehlo.tanh %v5 : tensor<2x3xf32>",
        "stablehlo.return %v8 : tensor<2x3xf32>",
        "}, {",
        "stablehlo.return %v1 : tensor<2x3xf32>",
        "}) : (tensor<i1>) -> tensor<2x3xf32>",
        "stablehlo.return %v7, %v9 : tensor<i32>, tensor<2x3xf32>",
        "}",
        "%v13, %v14 = \"stablehlo.case\"(%v0) ({",
        "stablehlo.return %v0, %v1 : tensor<i32>, tensor<2x3xf32>",
        "}, {",
        "%v12 = stablehlo.abs %v1 : tensor<2x3xf32>",
        "stablehlo.return %v3, %v12 : tensor<i32>, tensor<2x3xf32>",
        "}) : (tensor<i32>) -> (tensor<i32>, tensor<2x3xf32>)",
      ])
  }

  @Test("No name is given twice in a function, and regions are indented")
  func names() {
    var function = FunctionBuilder(arguments: [FunctionArgument(f32(4, 6))])
    var results: [Value] = []
    for axis in 0...1 {
      let (values, permutation) = function.sort(function.arguments[0], axis: axis)
      let (value, position) = function.extremum(values, axis: axis, .less)
      results += [permutation, value, position]
    }
    let text = ModuleText([function.finish(returning: results)]).text
    var defined: Set<Substring> = []
    for line in text.split(separator: "\n") {
      let left = line.split(separator: " = ", maxSplits: 1)
      guard left.count == 2, left[0].contains("%") else { continue }
      for name in left[0].split(separator: ",").map({ $0.drop { $0 == " " } }) {
        #expect(defined.insert(name).inserted, "\(name) is defined twice")
      }
    }
    #expect(defined.count > 30)
    #expect(text.contains("\n    ^bb0(") && text.contains("\n      stablehlo.return "))
  }

  @Test("A wrong program stops with a sentence that names the operation")
  func misuse() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      var f = FunctionBuilder(arguments: [
        FunctionArgument(ValueType([2], .f32)), FunctionArgument(ValueType([3], .f32)),
      ])
      _ = f.binary(.add, f.arguments[0], f.arguments[1])
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      message.contains(
        "stablehlo.add needs operands of one type, not tensor<2xf32> and tensor<3xf32>"))
  }
}

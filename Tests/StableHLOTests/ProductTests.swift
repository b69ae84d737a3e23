import StableHLO
import Testing

@Suite struct ProductTests {
  @Test("A product's result has batching, left and right axes", arguments: products)
  func product(_ sample: Sample) {
    let text = lines(sample.arguments) { f, a in
      #expect(sample.text.hasSuffix("-> \(sample.build(&f, a).type)"))
    }
    #expect(text.last == sample.text)
  }

  static let products: [Sample] = [
    Sample(
      "%v2 = stablehlo.dot_general %v0, %v1, contracting_dims = [1] x [0] : "
        + "(tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>",
      [f32(2, 3), f32(3, 4)]
    ) { f, a in f.dotGeneral(a[0], a[1], contracting: ([1], [0])) },
    Sample(
      "%v2 = stablehlo.dot_general %v0, %v1, batching_dims = [0] x [0], "
        + "contracting_dims = [2] x [2], precision = [HIGHEST, HIGHEST] : "
        + "(tensor<2x5x3xf32>, tensor<2x4x3xf32>) -> tensor<2x5x4xf32>",
      [f32(2, 5, 3), f32(2, 4, 3)]
    ) { f, a in
      f.dotGeneral(
        a[0], a[1], batching: ([0], [0]), contracting: ([2], [2]), precision: .highest)
    },
    Sample(
      "%v2 = stablehlo.dot_general %v0, %v1, contracting_dims = [1] x [0] : "
        + "(tensor<2x3xbf16>, tensor<3x4xbf16>) -> tensor<2x4xf32>",
      [ValueType([2, 3], .bf16), ValueType([3, 4], .bf16)]
    ) { f, a in f.dotGeneral(a[0], a[1], contracting: ([1], [0]), element: .f32) },
    Sample(
      "%v2 = stablehlo.convolution(%v0, %v1) dim_numbers = "
        + "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
        + "window = {stride = [2, 2], pad = [[1, 1], [1, 1]], rhs_dilate = [1, 1]} "
        + "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
        + "(tensor<2x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x4x4x4xf32>",
      [f32(2, 8, 8, 3), f32(3, 3, 3, 4)]
    ) { f, a in
      f.convolution(
        a[0], a[1], axes: ConvolutionAxes("b01f", "01io", "b01f"),
        window: ConvolutionWindow(padding: [Padding(1, 1), Padding(1, 1)], strides: [2, 2]))
    },
    Sample(
      "%v2 = stablehlo.convolution(%v0, %v1) dim_numbers = "
        + "[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f], "
        + "window = {stride = [1, 1], pad = [[1, 2], [1, 2]], lhs_dilate = [2, 2], "
        + "rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
        + "(tensor<2x4x4x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x8x8x3xf32>",
      [f32(2, 4, 4, 4), f32(3, 3, 3, 4)]
    ) { f, a in
      f.convolution(
        a[0], a[1], axes: ConvolutionAxes("b01f", "01oi", "b01f"),
        window: ConvolutionWindow(
          padding: [Padding(1, 2), Padding(1, 2)], inputDilation: [2, 2]))
    },
    Sample(
      "%v2 = stablehlo.convolution(%v0, %v1) dim_numbers = "
        + "[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], "
        + "window = {stride = [1, 1], pad = [[1, 0], [1, 0]], rhs_dilate = [2, 2]} "
        + "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
        + "(tensor<2x8x8x3xf32>, tensor<2x4x4x4xf32>) -> tensor<3x3x3x4xf32>",
      [f32(2, 8, 8, 3), f32(2, 4, 4, 4)]
    ) { f, a in
      f.convolution(
        a[0], a[1], axes: ConvolutionAxes("f01b", "i01o", "01bf"),
        window: ConvolutionWindow(
          padding: [Padding(1, 0), Padding(1, 0)], kernelDilation: [2, 2]))
    },
    Sample(
      "%v2 = stablehlo.convolution(%v0, %v1) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], "
        + "window = {stride = [1], pad = [[2, 0]], rhs_dilate = [1]} "
        + "{batch_group_count = 1 : i64, feature_group_count = 2 : i64, precision_config = "
        + "[#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]} : "
        + "(tensor<2x8x6xf32>, tensor<3x3x4xf32>) -> tensor<2x8x4xf32>",
      [f32(2, 8, 6), f32(3, 3, 4)]
    ) { f, a in
      f.convolution(
        a[0], a[1], axes: ConvolutionAxes("b0f", "0io", "b0f"),
        window: ConvolutionWindow(padding: [Padding(2, 0)]), featureGroups: 2,
        precision: .highest)
    },
    Sample(
      "%v2 = stablehlo.convolution(%v0, %v1) dim_numbers = [f, 0, b]x[i, 0, o]->[0, b, f], "
        + "window = {stride = [1], pad = [[1, 1]], rhs_dilate = [1]} "
        + "{batch_group_count = 2 : i64, feature_group_count = 1 : i64} : "
        + "(tensor<2x8x6xf32>, tensor<2x8x4xf32>) -> tensor<3x3x4xf32>",
      [f32(2, 8, 6), f32(2, 8, 4)]
    ) { f, a in
      f.convolution(
        a[0], a[1], axes: ConvolutionAxes("f0b", "i0o", "0bf"),
        window: ConvolutionWindow(padding: [Padding(1, 1)]), batchGroups: 2)
    },
  ]
}

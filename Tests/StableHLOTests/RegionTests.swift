import StableHLO
import Testing

@Suite struct RegionTests {
  @Test("A named reduction drops its axes", arguments: Combiner.allCases)
  func reduce(combiner: Combiner) {
    let text = lines([f32(2, 3, 4), f32()]) { f, a in
      #expect(f.reduce(a[0], initial: a[1], axes: [0, 2], combiner).type == f32(3))
    }
    let expected: [String] = [
      "%v2 = stablehlo.reduce(%v0 init: %v1) applies stablehlo.\(combiner.rawValue) "
        + "across dimensions = [0, 2] : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<3xf32>"
    ]
    #expect(text == expected)
  }

  @Test("The greatest element comes with the first place where it stands")
  func extremum() {
    let text = lines([f32(4, 6)]) { f, a in
      let (value, position) = f.extremum(a[0], axis: 1)
      #expect(value.type == f32(4))
      #expect(position.type == i32(4))
    }
    let expected: [String] = [
      "%v1 = stablehlo.iota dim = 1 : tensor<4x6xi32>",
      "%v2 = stablehlo.constant dense<0xFF800000> : tensor<f32>",
      "%v3 = stablehlo.constant dense<0> : tensor<i32>",
      "%v15, %v16 = \"stablehlo.reduce\"(%v0, %v1, %v2, %v3) <{dimensions = array<i64: 1>}> ({",
      "^bb0(%v4: tensor<f32>, %v5: tensor<i32>, %v6: tensor<f32>, %v7: tensor<i32>):",
      "%v8 = stablehlo.compare GT, %v4, %v6, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>",
      "%v9 = stablehlo.compare EQ, %v4, %v6, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>",
      "%v10 = stablehlo.compare LT, %v5, %v7, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>",
      "%v11 = stablehlo.and %v9, %v10 : tensor<i1>",
      "%v12 = stablehlo.or %v8, %v11 : tensor<i1>",
      "%v13 = stablehlo.select %v12, %v4, %v6 : tensor<i1>, tensor<f32>",
      "%v14 = stablehlo.select %v12, %v5, %v7 : tensor<i1>, tensor<i32>",
      "stablehlo.return %v13, %v14 : tensor<f32>, tensor<i32>",
      "}) : (tensor<4x6xf32>, tensor<4x6xi32>, tensor<f32>, tensor<i32>) -> "
        + "(tensor<4xf32>, tensor<4xi32>)",
    ]
    #expect(text == expected)
  }

  @Test("Windows of a pooling write sizes, strides and padding")
  func reduceWindow() {
    let pool = PoolingWindow(
      sizes: [1, 3, 2, 1], strides: [1, 2, 2, 1],
      padding: [Padding(0, 0), Padding(1, 1), Padding(0, 0), Padding(0, 0)],
      dilations: [1, 1, 3, 1])
    let text = lines([f32(2, 8, 8, 3), f32()]) { f, a in
      #expect(f.reduceWindow(a[0], initial: a[1], .maximum, pool).type == f32(2, 4, 3, 3))
    }
    let expected: [String] = [
      "%v5 = \"stablehlo.reduce_window\"(%v0, %v1) <{window_dimensions = array<i64: 1, 3, 2, 1>, "
        + "window_strides = array<i64: 1, 2, 2, 1>, window_dilations = array<i64: 1, 1, 3, 1>, "
        + "padding = dense<[[0, 0], [1, 1], [0, 0], [0, 0]]> : tensor<4x2xi64>}> ({",
      "^bb0(%v2: tensor<f32>, %v3: tensor<f32>):",
      "%v4 = stablehlo.maximum %v2, %v3 : tensor<f32>",
      "stablehlo.return %v4 : tensor<f32>",
      "}) : (tensor<2x8x8x3xf32>, tensor<f32>) -> tensor<2x4x3x3xf32>",
    ]
    #expect(text == expected)
  }

  @Test("The gradient of a maximum pooling has two regions")
  func selectAndScatter() {
    let pool = PoolingWindow(sizes: [1, 2, 2, 1], strides: [1, 2, 2, 1])
    let text = lines([f32(2, 8, 8, 3), f32(2, 4, 4, 3), f32()]) { f, a in
      let result = f.selectAndScatter(a[0], source: a[1], initial: a[2], pool)
      #expect(result.type == f32(2, 8, 8, 3))
    }
    let expected: [String] = [
      "%v9 = \"stablehlo.select_and_scatter\"(%v0, %v1, %v2) <{window_dimensions = "
        + "array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>, "
        + "padding = dense<0> : tensor<4x2xi64>}> ({",
      "^bb0(%v3: tensor<f32>, %v4: tensor<f32>):",
      "%v5 = stablehlo.compare GE, %v3, %v4, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>",
      "stablehlo.return %v5 : tensor<i1>",
      "}, {",
      "^bb0(%v6: tensor<f32>, %v7: tensor<f32>):",
      "%v8 = stablehlo.add %v6, %v7 : tensor<f32>",
      "stablehlo.return %v8 : tensor<f32>",
      "}) : (tensor<2x8x8x3xf32>, tensor<2x4x4x3xf32>, tensor<f32>) -> tensor<2x8x8x3xf32>",
    ]
    #expect(text == expected)
  }

  @Test("Rows are gathered by ids of any shape")
  func gatherRows() {
    let text = lines([f32(10, 4), i32(2, 3)]) { f, a in
      #expect(f.gatherRows(a[0], a[1]).type == f32(2, 3, 4))
    }
    let expected: [String] = [
      "%v2 = stablehlo.reshape %v1 : (tensor<2x3xi32>) -> tensor<2x3x1xi32>",
      "%v3 = \"stablehlo.gather\"(%v0, %v2) <{dimension_numbers = #stablehlo.gather<"
        + "offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], "
        + "index_vector_dim = 2>, slice_sizes = array<i64: 1, 4>, indices_are_sorted = false}> : "
        + "(tensor<10x4xf32>, tensor<2x3x1xi32>) -> tensor<2x3x4xf32>",
    ]
    #expect(text == expected)
  }

  @Test("Elements are taken along an axis, side by side along the others")
  func takeAlong() {
    let text = lines([f32(3, 5), i32(3, 1)]) { f, a in
      #expect(f.takeAlong(a[0], a[1], axis: 1).type == f32(3, 1))
    }
    let expected: String =
      "%v3 = \"stablehlo.gather\"(%v0, %v2) <{dimension_numbers = #stablehlo.gather<"
      + "collapsed_slice_dims = [1], operand_batching_dims = [0], "
      + "start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 2>, "
      + "slice_sizes = array<i64: 1, 1>, indices_are_sorted = false}> : "
      + "(tensor<3x5xf32>, tensor<3x1x1xi32>) -> tensor<3x1xf32>"
    #expect(text.last == expected)
  }

  @Test("A scatter adds or sets", arguments: [ScatterMode.add, .set])
  func scatterRows(mode: ScatterMode) {
    let text = lines([f32(10, 4), i32(2, 3), f32(2, 3, 4)]) { f, a in
      #expect(f.scatterRows(a[0], a[1], a[2], mode).type == f32(10, 4))
    }
    let body =
      mode == .add
      ? [
        "%v6 = stablehlo.add %v4, %v5 : tensor<f32>", "stablehlo.return %v6 : tensor<f32>",
      ] : ["stablehlo.return %v5 : tensor<f32>"]
    let expected: [String] =
      [
        "%v3 = stablehlo.reshape %v1 : (tensor<2x3xi32>) -> tensor<2x3x1xi32>",
        "%v\(mode == .add ? 7 : 6) = \"stablehlo.scatter\"(%v0, %v3, %v2) "
          + "<{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], "
          + "inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], "
          + "index_vector_dim = 2>, indices_are_sorted = false, unique_indices = false}> ({",
        "^bb0(%v4: tensor<f32>, %v5: tensor<f32>):",
      ] + body + [
        "}) : (tensor<10x4xf32>, tensor<2x3x1xi32>, tensor<2x3x4xf32>) -> tensor<10x4xf32>"
      ]
    #expect(text == expected)
  }

  @Test("Updates are put along an axis where their ids point")
  func putAlong() {
    let text = lines([f32(3, 5), i32(3, 1), f32(3, 1)]) { f, a in
      #expect(f.putAlong(a[0], a[1], a[2], axis: 1, .set).type == f32(3, 5))
    }
    let expected: String =
      "%v6 = \"stablehlo.scatter\"(%v0, %v3, %v2) <{scatter_dimension_numbers = "
      + "#stablehlo.scatter<inserted_window_dims = [1], input_batching_dims = [0], "
      + "scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], "
      + "index_vector_dim = 2>, indices_are_sorted = false, unique_indices = false}> ({"
    #expect(text[1] == expected)
  }

  @Test("A sort carries each element's place along")
  func sort() {
    let text = lines([f32(4, 6)]) { f, a in
      let (values, permutation) = f.sort(a[0], axis: 1)
      #expect(values.type == f32(4, 6))
      #expect(permutation.type == i32(4, 6))
    }
    let expected: [String] = [
      "%v1 = stablehlo.iota dim = 1 : tensor<4x6xi32>",
      "%v7, %v8 = \"stablehlo.sort\"(%v0, %v1) <{dimension = 1 : i64, is_stable = true}> ({",
      "^bb0(%v2: tensor<f32>, %v3: tensor<f32>, %v4: tensor<i32>, %v5: tensor<i32>):",
      "%v6 = stablehlo.compare LT, %v2, %v3, TOTALORDER : "
        + "(tensor<f32>, tensor<f32>) -> tensor<i1>",
      "stablehlo.return %v6 : tensor<i1>",
      "}) : (tensor<4x6xf32>, tensor<4x6xi32>) -> (tensor<4x6xf32>, tensor<4x6xi32>)",
    ]
    #expect(text == expected)
    let falling = lines([i32(4)]) { f, a in _ = f.sort(a[0], axis: 0, descending: true) }
    #expect(
      falling.contains {
        $0.hasSuffix("compare GT, %v2, %v3, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>")
      })
  }

  @Test("The greatest few come with their positions")
  func topK() {
    let text = lines([f32(4, 6)]) { f, a in
      #expect(f.topK(a[0], count: 2).positions.type == i32(4, 2))
    }
    let expected: [String] = [
      "%v1, %v2 = chlo.top_k(%v0, k = 2) : tensor<4x6xf32> -> (tensor<4x2xf32>, tensor<4x2xi32>)"
    ]
    #expect(text == expected)
  }
}

extension FunctionBuilder {
  /// Products of matrices: sums over pairs of `contracting` axes, side by side over pairs of
  /// `batching` axes. The result's axes: batching, then the left operand's others, then the right's.
  ///
  /// - Parameter element: The result's element type, and that of its sums: f32 for bf16 operands,
  ///   i32 for small integers; nil for the operands' own.
  public mutating func dotGeneral(
    _ a: Value, _ b: Value, batching: (left: [Int], right: [Int]) = ([], []),
    contracting: (left: [Int], right: [Int]), element: ElementType? = nil,
    precision: Precision = .standard
  ) -> Value {
    let axesFit =
      batching.left.map { a.shape[$0] } == batching.right.map { b.shape[$0] }
      && contracting.left.map { a.shape[$0] } == contracting.right.map { b.shape[$0] }
    require(
      axesFit,
      "stablehlo.dot_general: \(a.type) and \(b.type) do not fit along batching \(batching) and "
        + "contracting \(contracting)")
    let free = { (value: Value, bound: [Int]) in
      value.shape.indices.filter { !bound.contains($0) }.map { value.shape[$0] }
    }
    let shape =
      batching.left.map { a.shape[$0] } + free(a, batching.left + contracting.left)
      + free(b, batching.right + contracting.right)
    let type = ValueType(shape, element ?? a.element)
    var text = "stablehlo.dot_general \(a.name), \(b.name), "
    if !batching.left.isEmpty {
      text += "batching_dims = \(list(batching.left)) x \(list(batching.right)), "
    }
    text += "contracting_dims = \(list(contracting.left)) x \(list(contracting.right))"
    if precision != .standard {
      text += ", precision = [\(precision.rawValue), \(precision.rawValue)]"
    }
    return append(type, "\(text) : \(signature([a, b], [type]))")
  }

  /// A convolution in general form: the product sum of `kernel` with every window of `x`.
  ///
  /// - Parameters:
  ///   - featureGroups: Groups of channels that see only themselves.
  ///   - batchGroups: Groups of images, for the gradient of a grouped convolution's kernel.
  ///   - element: The result's element type; nil for the operands' own.
  public mutating func convolution(
    _ x: Value, _ kernel: Value, axes: ConvolutionAxes, window: ConvolutionWindow,
    featureGroups: Int = 1, batchGroups: Int = 1, element: ElementType? = nil,
    precision: Precision = .standard
  ) -> Value {
    let shape = convolutionShape(x, kernel, axes, window, featureGroups, batchGroups)
    let type = ValueType(shape, element ?? x.element)
    var settings = "stride = \(list(window.strides)), pad = \(paddings(window.padding))"
    if window.inputDilation.contains(where: { $0 != 1 }) {
      settings += ", lhs_dilate = \(list(window.inputDilation))"
    }
    settings += ", rhs_dilate = \(list(window.kernelDilation))"
    var attributes =
      "batch_group_count = \(batchGroups) : i64, feature_group_count = \(featureGroups) : i64"
    if precision != .standard {
      let one = "#stablehlo<precision \(precision.rawValue)>"
      attributes += ", precision_config = [\(one), \(one)]"
    }
    return append(
      type,
      "stablehlo.convolution(\(x.name), \(kernel.name)) dim_numbers = \(axes.text), "
        + "window = {\(settings)} {\(attributes)} : \(signature([x, kernel], [type]))")
  }

  private func convolutionShape(
    _ x: Value, _ kernel: Value, _ axes: ConvolutionAxes, _ window: ConvolutionWindow,
    _ featureGroups: Int, _ batchGroups: Int
  ) -> [Int] {
    func size(_ letter: Character, of value: Value, _ letters: String) -> Int {
      guard letters.count == value.type.rank,
        let axis = Array(letters).firstIndex(of: letter)
      else { fail("stablehlo.convolution: axes \(letters) do not describe \(value.type)") }
      return value.shape[axis]
    }
    require(
      size("f", of: x, axes.input) == size("i", of: kernel, axes.kernel) * featureGroups,
      "stablehlo.convolution: \(x.type) as \(axes.input) and \(kernel.type) as \(axes.kernel) "
        + "differ in input features (\(featureGroups) groups)")
    return axes.output.map { letter in
      switch letter {
      case "b": return size("b", of: x, axes.input) / batchGroups
      case "f": return size("o", of: kernel, axes.kernel)
      default:
        guard let place = letter.wholeNumberValue, window.strides.indices.contains(place) else {
          fail("stablehlo.convolution: no window along axis \(letter) of \(axes.output)")
        }
        return windowCount(
          input: dilated(size(letter, of: x, axes.input), by: window.inputDilation[place]),
          window: size(letter, of: kernel, axes.kernel), stride: window.strides[place],
          padding: window.padding[place], dilation: window.kernelDilation[place])
      }
    }
  }
}

func paddings(_ padding: [Padding]) -> String {
  "[" + padding.map(\.text).joined(separator: ", ") + "]"
}

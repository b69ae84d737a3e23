import Foundation
import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct ConvolutionTests {
  /// A shape of a convolution with all that can be odd about it.
  struct Example: Sendable, CustomTestStringConvertible {
    let size: [Int]
    let kernel: [Int]
    var channels = 2
    var outputs = 2
    var groups = 1
    var stride = [1]
    var dilation = [1]
    var padding = SpatialPadding.none

    var testDescription: String { "\(size) by \(kernel), stride \(stride), \(padding)" }

    func apply(_ x: Tensor, _ weight: Tensor) -> Tensor {
      convolution(
        x, weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
    }
    var x: Tensor { normal([2] + size + [channels], 3) }
    var weight: Tensor { normal([outputs, channels / groups] + kernel, 4) }
  }

  static let examples = [
    Example(size: [7], kernel: [3], channels: 1, outputs: 3),
    Example(
      size: [6], kernel: [2], stride: [3], dilation: [2], padding: .each(low: [2], high: [0])),
    Example(
      size: [5, 4], kernel: [3, 2], channels: 4, outputs: 6, groups: 2, stride: [2, 1],
      padding: .each(low: [0, 1], high: [2, 0])),
    Example(size: [4, 5], kernel: [3, 3], channels: 3, outputs: 3, groups: 3, padding: .same),
    Example(size: [5, 5], kernel: [2, 2], stride: [3], padding: .symmetric([1])),
    Example(size: [6, 5], kernel: [3, 2], stride: [2, 3], padding: .sameForStride),
    Example(size: [4, 3], kernel: [1, 1], channels: 3),
    Example(
      size: [3, 4, 3], kernel: [2, 3, 2], stride: [1, 2, 2], padding: .symmetric([1, 1, 0])),
  ]

  /// The definition, element by element.
  private func definition(_ example: Example) -> [Double] {
    let (x, weight) = (example.x, example.weight)
    let y = example.apply(x, weight)
    let (values, taps) = (x.doubles(), weight.doubles())
    let (inputStrides, tapStrides) = (x.shape.rowMajorStrides, weight.shape.rowMajorStrides)
    let axes = example.size.count
    func expand(_ list: [Int]) -> [Int] {
      list.count == axes ? list : Array(repeating: list[0], count: axes)
    }
    let (stride, dilation) = (expand(example.stride), expand(example.dilation))
    let low: [Int]
    switch example.padding {
    case .symmetric(let sizes): low = expand(sizes)
    case .each(let before, _): low = before
    case .same: low = zip(example.kernel, dilation).map { ($0 - 1) * $1 / 2 }
    case .sameForStride:
      low = (0..<axes).map { axis in
        let steps = (example.size[axis] + stride[axis] - 1) / stride[axis] - 1
        let reach = steps * stride[axis] + (example.kernel[axis] - 1) * dilation[axis] + 1
        return max(reach - example.size[axis], 0) / 2
      }
    }
    let perGroup = example.outputs / example.groups
    return indices(y.shape).map { place in
      var sum = 0.0
      let output = place[axes + 1]
      for tap in indices(Array(weight.shape.dropFirst())) {
        var at = [place[0]]
        for axis in 0..<axes {
          at.append(place[axis + 1] * stride[axis] + tap[axis + 1] * dilation[axis] - low[axis])
        }
        at.append(output / perGroup * weight.shape[1] + tap[0])
        guard (0..<axes).allSatisfy({ (0..<example.size[$0]).contains(at[$0 + 1]) }) else {
          continue
        }
        let value = values[zip(at, inputStrides).map { $0 * $1 }.reduce(0, +)]
        sum += value * taps[zip([output] + tap, tapStrides).map { $0 * $1 }.reduce(0, +)]
      }
      return sum
    }
  }

  private func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { all, count in all.flatMap { one in (0..<count).map { one + [$0] } } }
  }

  @Test(arguments: examples)
  func `A convolution is its definition`(_ example: Example) {
    let y = example.apply(example.x, example.weight)
    #expect(distance(y, Tensor(definition(example), shape: y.shape)) < 1e-13)
  }

  @Test(arguments: examples)
  func `All three directions have the gradients that differences have`(_ example: Example) {
    #expect(
      gradientProblems(at: [example.x, example.weight], order: 2) {
        example.apply($0[0], $0[1])
      } == [])
  }

  @Test(arguments: examples)
  func `float32 computes what float64 does`(_ example: Example) {
    #expect(
      precisionProblems(at: [example.x, example.weight]) { example.apply($0[0], $0[1]) } == [])
  }

  @Test(arguments: examples)
  func `The gradients are adjoint to the convolution`(_ example: Example) {
    let (x, weight) = (Tensor(Alias("x"), [example.x]), Tensor(Alias("w"), [example.weight]))
    let y = example.apply(x, weight)
    let dy = normal(y.shape, 9)
    let slopes = gradients(of: [y], seeds: [dy], by: [x, weight])
    let product = (y * dy).sum().scalar
    #expect(abs((slopes[0]! * x).sum().scalar - product) < 1e-10 * max(1, abs(product)))
    #expect(abs((slopes[1]! * weight).sum().scalar - product) < 1e-10 * max(1, abs(product)))
  }

  @Test(arguments: examples)
  func `Convolutions and their gradients can be written as StableHLO`(_ example: Example) {
    let types = [example.x.type.with(.float32), example.weight.type.with(.float32)]
    let text = emitted(types) { operands in
      let y = example.apply(operands[0], operands[1])
      let slopes = gradients(of: [y], seeds: [y], by: operands)
      return [y] + slopes.map { $0! }
    }
    #expect(text.components(separatedBy: "stablehlo.convolution").count == 4)
  }

  @Test func `16-bit floats are summed in float32`() {
    let (x, weight) = (
      normal([1, 4, 4, 3]).cast(to: .bfloat16), normal([2, 3, 3, 3], 2).cast(to: .bfloat16)
    )
    let y = convolution(x, weight, padding: .same)
    let exact = convolution(x.cast(to: .float32), weight.cast(to: .float32), padding: .same)
    #expect(y.dataType == .bfloat16)
    #expect(y.bytes() == exact.cast(to: .bfloat16).bytes())
  }

  @Test(arguments: [0, 1, 2, 4])
  func `Output padding shows what a transposed convolution without padding has`(_ padding: Int) {
    let (x, weight) = (normal([1, 4, 2]), normal([2, 3, 3], 2))
    let whole = transposedConvolution(x, weight, stride: [3])
    let part = transposedConvolution(
      x, weight, stride: [3], padding: .symmetric([2]), outputPadding: [padding])
    // Two values are cut off before, and behind only what the output padding does not bring back.
    let expected = whole.padded([(0, 0), (0, 4), (0, 0)]).sliced(1, 2..<(2 + part.shape[1]))
    #expect(part.shape[1] == whole.shape[1] - 4 + padding)
    #expect(distance(part, expected) < 1e-14)
  }

  @Test func `Padding modes repeat what they say`() {
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [1, 4, 1])
    func padded(_ mode: PaddingMode) -> [Float] {
      x.padded([(0, 0), (3, 2), (0, 0)], mode: mode).floats()
    }
    #expect(padded(.zeros) == [0, 0, 0, 1, 2, 3, 4, 0, 0])
    #expect(padded(.reflect) == [4, 3, 2, 1, 2, 3, 4, 3, 2])
    #expect(padded(.circular) == [2, 3, 4, 1, 2, 3, 4, 1, 2])
    #expect(padded(.replicate) == [1, 1, 1, 1, 2, 3, 4, 4, 4])
  }

  @Test func `No images are no work`() {
    let y = convolution(Tensor.zeros([0, 4, 4, 2]), Tensor.ones([3, 2, 3, 3]), padding: .same)
    #expect(y.shape == [0, 4, 4, 3])
    #expect(y.floats().isEmpty)
  }

  @Test func `Shapes that do not fit are refused in words`() {
    let image = TensorType([1, 4, 4, 6])
    func refusal(_ weight: [Int], groups: Int = 1) -> String? {
      let geometry = ConvolutionGeometry(
        stride: [1, 1], dilation: [1, 1], low: [0, 0], high: [0, 0], groups: groups)
      do {
        _ = try ConvolutionForward(geometry).outputType([image, TensorType(weight)])
        return nil
      } catch { return error.description }
    }
    #expect(refusal([2, 6, 3, 3]) == nil)
    #expect(refusal([2, 5, 3, 3])?.contains("6 channels") == true)
    #expect(refusal([3, 3, 3, 3], groups: 2)?.contains("multiple of 2 outputs") == true)
    #expect(refusal([2, 6, 5, 3])?.contains("add padding") == true)
    #expect(refusal([2, 6, 3])?.contains("4 axes") == true)
  }
}

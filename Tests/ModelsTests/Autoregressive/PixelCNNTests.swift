import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

/// Draws pictures by computing all of them again for every pixel, with the keys of `PictureSampler`.
func naiveDraws<Model: RowModel>(of model: Model, count: Int, _ key: RandomKey) -> Tensor {
  let shape = model.pictureShape
  var symbols = Tensor.zeros([count] + shape, .int32)
  for row in 0..<shape[0] {
    for step in 0..<(shape[1] * model.drawsPerPixel) {
      let column = step / model.drawsPerPixel
      let parameters = model.parameters(of: symbols).element(1, row).element(1, column)
      let pixel = symbols.element(1, row).element(1, column)
      let draw = Tensor.fill(integer: Int64(step % model.drawsPerPixel), [], .int32)
      let new = model.drawn(pixel, parameters, draw: draw, key.fork(row).fork(step))
      let here = Tensor.range(shape[0] * shape[1]).equal(to: Double(row * shape[1] + column))
      symbols = select(here.reshaped([1, shape[0], shape[1], 1]), new.expanded([1, 2]), symbols)
        .evaluated()
    }
  }
  return symbols
}

@Suite struct PixelCNNTests {
  private static let small = [true, false].map {
    PixelCNNConfiguration(
      height: 3, width: 3, channels: 6, layers: 2, firstKernel: 3, isGated: $0)
  }

  @Test(arguments: small)
  func `probabilities of all 512 pictures add up to 1`(configuration: PixelCNNConfiguration) {
    checkSymbolModel(
      PixelCNN(configuration, key: RandomKey(seed: 1)).randomized(), length: 9)
  }

  @Test(arguments: [true, false])
  func `colours see the earlier colours of their pixel`(isGated: Bool) {
    let configuration = PixelCNNConfiguration(
      height: 2, width: 1, colors: 3, levels: 4, channels: 6, layers: 2, firstKernel: 3,
      isGated: isGated)
    let model = PixelCNN(configuration, key: RandomKey(seed: 1)).randomized().inDoublePrecision()
    checkCausality(model.mapTensors { $0.cast(to: .float32) }, length: 6)
    let total = model.logProbability(of: allSequences(4, length: 6)).exp().sum().scalar
    #expect(abs(total - 1) < 1e-11)
    // Every earlier sample changes something, none of the others does.
    let footprint = footprints(of: configuration)
    for output in 0..<6 {
      for input in 0..<6 { #expect(footprint[output].contains(input) == (input < output)) }
    }
  }

  /// Which samples the logits of each sample change with, in any of a few models with small random weights: units that are
  /// off in one are on in another.
  private func footprints(of configuration: PixelCNNConfiguration) -> [Set<Int>] {
    let length = configuration.height * configuration.width * configuration.colors
    var result = [Set<Int>](repeating: [], count: length)
    for seed in 0..<(length > 10 ? 4 : 30) as Range<UInt64> {
      let model = PixelCNN(configuration, key: RandomKey(seed: 1)).randomized(seed)
        .inDoublePrecision().mapTensors { $0 * 0.4 }
      let zeros = Tensor.zeros([1, length], .int32)
      // One changed sample a row.
      let changed = Tensor.range(length).oneHot(length).cast(to: .int32)
      let logits = model.logits(of: concatenate([zeros, changed])).doubles()
      let size = length * model.alphabet
      for input in 0..<length {
        for i in 0..<size where logits[i] != logits[(input + 1) * size + i] {
          result[i / model.alphabet].insert(input)
        }
      }
    }
    return result
  }

  @Test func `a gated network sees everything above and to the left`() {
    let configuration = PixelCNNConfiguration(
      height: 6, width: 7, channels: 4, layers: 6, firstKernel: 3)
    for (output, seen) in footprints(of: configuration).enumerated() {
      #expect(seen == Set(0..<output), "\(output)")
    }
  }

  @Test func `a masked network has the blind spot of its kernels`() {
    let configuration = PixelCNNConfiguration(
      height: 6, width: 9, channels: 8, layers: 8, firstKernel: 3, isGated: false)
    for (output, seen) in footprints(of: configuration).enumerated() {
      let (y, x) = (output / 9, output % 9)
      // Row −d is seen up to column +d.
      let visible = (0..<output).filter { y == $0 / 9 || $0 % 9 - x <= y - $0 / 9 }
      #expect(seen == Set(visible), "\(output)")
    }
  }

  @Test(arguments: [true, false])
  func `draws row by row are those of the whole picture`(isGated: Bool) {
    let model = PixelCNN(
      .init(
        height: 4, width: 3, colors: 2, levels: 3, channels: 4, layers: 2, firstKernel: 5,
        isGated: isGated), key: RandomKey(seed: 1)
    ).randomized()
    let key = RandomKey(seed: 5)
    let rows = PictureSampler.draw(model, count: 20, key)
    #expect(rows.shape == [20, 4, 3, 2])
    #expect(rows.integers() == naiveDraws(of: model, count: 20, key).integers())
    // Row by row, the parameters have the bits of the whole.
    let whole = model.parameters(of: rows)
    var memory: [String: Tensor] = [:]
    for y in 0..<4 {
      let row = model.parameters(ofRow: rows.sliced(1, y..<y + 1), number: y, &memory)
      #expect(row.doubles() == whole.sliced(1, y..<y + 1).doubles())
    }
  }

  @Test func `draws have the probabilities' frequencies`() {
    let model = PixelCNN(
      .init(height: 2, width: 2, channels: 4, layers: 1, firstKernel: 3), key: RandomKey(seed: 1)
    ).randomized()
    let draws = PictureSampler.draw(model, count: 20_000, RandomKey(seed: 2))
    checkDraws(of: model, draws.reshaped([20_000, 4]))
    #expect(forgottenTensors(in: model) == [])
  }
}

import Layers
import Models
import Tensors
import TestSupport
import Testing

/// A text of three tokens and a picture of 4 x 4 codes.
@Suite struct DALLETests {
  static func sizes(_ patterns: [DALLEConfiguration.Pattern], wraps: Bool = true)
    -> DALLEConfiguration
  {
    var sizes = DALLEConfiguration()
    (sizes.vocabulary, sizes.text, sizes.codes, sizes.grid) = (7, 3, 20, [4, 4])
    (sizes.width, sizes.layers, sizes.heads, sizes.headWidth) = (12, patterns.count, 2, 5)
    (sizes.inner, sizes.dropout, sizes.patterns, sizes.wraps) = (24, 0, patterns, wraps)
    return sizes
  }

  /// Different codes, so that each gets its gradient from one place.
  static let codes = Tensor((0..<16).map(Int32.init), shape: [1, 16])
  static let texts = Tensor([4, 2, 0] as [Int32], shape: [1, 3])

  /// The codes' places that the state behind code `place` of a network of one layer sees.
  private func footprint(_ pattern: DALLEConfiguration.Pattern, wraps: Bool, place: Int) -> [Int] {
    var model = DALLE(Self.sizes([pattern], wraps: wraps), key: RandomKey(seed: 1))
    let ids = model.sequence(texts: Self.texts, codes: Self.codes)
    let (_, slopes) = valueAndGradient(updating: &model) { model in
      model(ids).sliced(2, 10..<30).element(1, 4 + place).square().sum()
    }
    let norms = slopes.codes.weight.square().sum([1]).doubles()
    #expect(slopes.tokens.weight.abs().sum([1]).doubles()[4] > 0)
    return (0..<16).filter { norms[$0] > 0 }
  }

  @Test func `Codes see what the patterns of the paper's figure 11 say`() {
    #expect(footprint(.all, wraps: true, place: 9) == Array(0...9))
    // As many as up to the code above, over the ends of rows.
    #expect(footprint(.row, wraps: true, place: 9) == [5, 6, 7, 8, 9])
    #expect(footprint(.column, wraps: true, place: 9) == [1, 5, 9])
    #expect(footprint(.square(3), wraps: true, place: 8) == [3, 4, 5, 7, 8])
  }

  @Test func `Without wrapping patterns end where rows end`() {
    #expect(footprint(.row, wraps: false, place: 9) == [8, 9])
    #expect(footprint(.column, wraps: false, place: 14) == [2, 6, 10, 14])
    #expect(footprint(.square(3), wraps: false, place: 8) == [4, 5, 8])
  }

  static let mixed: [DALLEConfiguration.Pattern] = [.row, .column, .all, .square(3)]

  @Test func `Texts are written of texts' tokens, pictures of codes`() {
    let model = DALLE(Self.sizes(Self.mixed), key: RandomKey(seed: 2))
    let ids = model.sequence(texts: Self.texts, codes: Self.codes)
    #expect(ids.integers().prefix(6) == [0, 4, 2, 9, 10, 11])
    let isPossible = model(ids).greater(than: -1e30).cast(to: .int32).integers()
    for place in 0..<20 {
      for token in 0..<30 {
        #expect((isPossible[30 * place + token] == 1) == ((place < 3) == (token < 10)))
      }
    }
  }

  @Test func `Cached steps equal the whole`() {
    let model = DALLE(Self.sizes(Self.mixed), key: RandomKey(seed: 3))
    let ids = model.sequence(texts: Self.texts, codes: Self.codes).sliced(1, 0..<19)
    let whole = model(ids).sliced(2, 10..<30).sliced(1, 3..<19)
    for capacity in [19, 25] {
      var memory = model.memory(of: Nothing(), batch: 1, capacity: capacity, padding: nil)
      let parts = [0..<4, 4..<5, 5..<11, 11..<19].map {
        model.read(ids.sliced(1, $0), &memory, last: $0.count)
      }
      let cached = concatenate(parts, axis: 1).sliced(2, 10..<30).sliced(1, 3..<19)
      #expect(distance(cached, whole) < 1e-5)
    }
  }

  @Test func `Nothing comes from later tokens, and all is trained`() {
    var model = DALLE(Self.sizes(Self.mixed), key: RandomKey(seed: 4))
    #expect(forgottenTensors(in: model) == [])
    let ids = model.sequence(texts: Self.texts, codes: Self.codes)
    let (_, slopes) = valueAndGradient(updating: &model) { model in
      model(ids).sliced(2, 10..<30).element(1, 8).square().sum()
    }
    let norms = slopes.codes.weight.square().sum([1]).doubles()
    #expect((0..<16).allSatisfy { (norms[$0] > 0) == ($0 <= 4) })
    let (_, all) = valueAndGradient(updating: &model) { $0.loss(ids) }
    #expect(all.tensors.allSatisfy { $0.abs().max().scalar > 0 })
  }

  @Test func `Texts and pictures count as the weights say`() {
    var sizes = Self.sizes(Self.mixed)
    let key = RandomKey(seed: 5)
    let ids = DALLE(sizes, key: key).sequence(texts: Self.texts, codes: Self.codes)
    func loss(_ weight: Double) -> Double {
      sizes.pictureWeight = weight
      return DALLE(sizes, key: key).loss(ids).scalar
    }
    let (text, both) = (loss(0), loss(1))
    #expect(abs(loss(7) - (text + 7 * (2 * both - text)) / 8) < 1e-5)
  }

  @Test func `The paper's network has twelve billion parameters`() {
    let count = DALLE(DALLEConfiguration(), key: RandomKey(seed: 6)).parameterCount
    #expect(abs(Double(count) - 12.2e9) < 0.1e9)
    let patterns = DALLEConfiguration.published(layers: 64)
    #expect(patterns.prefix(6) == [.row, .column, .row, .row, .row, .column])
    #expect(patterns.last == .square(11))
  }
}

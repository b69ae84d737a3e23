import Layers
import Models
import Tensors
import TestSupport
import Testing

/// What every decoder must hold: nothing comes from later tokens, and cached steps equal the whole.
@Suite struct TransformerFamiliesTests {
  static let key = RandomKey(seed: 3)
  static let vocabulary = 23

  // MARK: Causal Transformers

  /// One configuration of each kind, with heads of their own, so that token vectors get gradients from inputs alone.
  static let decoders: [(name: String, sizes: GPTConfiguration)] = {
    var plain = GPTConfiguration(
      vocabulary: vocabulary, context: 16, width: 16, layers: 3, heads: 4)
    plain.head = .own(vocabulary)
    plain.deviation = 0.3
    var first = plain
    (first.isNormFirst, first.hasLastNorm) = (false, false)
    var alternating = plain
    (alternating.isFused, alternating.isScaled, alternating.windows) = (
      false, false, [nil, 2, nil]
    )
    var llama = alternating
    (llama.norm, llama.isGated, llama.keyHeads, llama.headWidth) = (.rms, true, 2, 6)
    llama.rotary = RotaryConfiguration(base: 100, scaling: .linear(factor: 2))
    return [("GPT-2", plain), ("GPT-1", first), ("GPT-Neo", alternating), ("Llama", llama)]
  }()

  /// Different tokens: 0, 1, 2, …
  private func tokens(_ length: Int, from first: Int = 0) -> Tensor {
    Tensor((first..<(first + length)).map(Int32.init), shape: [1, length])
  }

  /// Whether the vectors of tokens behind `place` get no gradient, and those up to it do.
  private func expectCausal(_ slopes: Tensor, place: Int, length: Int, _ name: String) {
    let norms = slopes.square().sum([1]).doubles()
    for i in 0..<length {
      #expect((norms[i] > 0) == (i <= place), "\(name), token \(i) at place \(place)")
    }
  }

  @Test func `No gradient comes from later tokens`() {
    for (name, sizes) in Self.decoders where sizes.windows.isEmpty || name == "Llama" {
      var model = GPT(sizes, key: Self.key)
      let (_, slopes) = valueAndGradient(updating: &model) { model in
        model(tokens(6)).element(1, 3).square().sum()
      }
      expectCausal(slopes.tokens.weight, place: 3, length: 6, name)
    }
  }

  @Test func `Cached steps behind a padded prompt equal the whole`() {
    for (name, sizes) in Self.decoders {
      let model = GPT(sizes, key: Self.key)
      let whole = model(tokens(7))
      // Two places of padding before the same text.
      let padded = concatenate([.fill(integer: 9, [1, 2], .int32), tokens(7)], axis: 1)
      let mask = Tensor.range(12).greaterOrEqual(to: Tensor.fill(integer: 2, [], .int32))
        .reshaped([1, 1, 1, 12])
      var caches = model.caches(batch: 1, capacity: 12)
      var parts: [Tensor] = []
      for range in [0..<5, 5..<6, 6..<9] {
        let positions = maximum(
          Tensor.range(range.count) + Tensor.fill(integer: Int64(range.lowerBound - 2), [], .int32),
          Tensor.fill(integer: 0, [], .int32))
        parts.append(
          model(padded.sliced(1, range), caches: &caches, mask: mask, positions: positions))
      }
      let cached = concatenate(parts, axis: 1).sliced(1, 2..<9)
      #expect(distance(cached, whole) < 1e-5, "\(name)")
      let masked = model(
        padded, mask: mask.sliced(3, 0..<9),
        positions: concatenate([.fill(integer: 0, [2], .int32), .range(7)]))
      #expect(distance(masked.sliced(1, 2..<9), whole) < 1e-5, "\(name)")
    }
  }

  @Test(arguments: [(768, 12, 12), (1024, 24, 16), (1536, 24, 16), (2560, 32, 32), (12288, 96, 96)])
  func `GPT-3 has the parameters of its formula`(_ width: Int, _ layers: Int, _ heads: Int) {
    var sizes = GPTConfiguration(
      vocabulary: 50257, context: 2048, width: width, layers: layers, heads: heads)
    sizes.windows = (0..<layers).map { $0 % 2 == 0 ? nil : 256 }
    let count = 50257 * width + 2048 * width + layers * (12 * width * width + 13 * width)
    #expect(GPT(sizes, key: Self.key).parameterCount == count + 2 * width)
  }

  // MARK: Encoder-decoders

  static let pairs: [(name: String, sizes: EncoderDecoderConfiguration)] = {
    func pair(_ change: (inout TokenStackConfiguration) -> Void) -> EncoderDecoderConfiguration {
      var side = TokenStackConfiguration(
        width: 16, layers: 2, heads: 4, inner: 24, positions: .learned(count: 14, offset: 2))
      side.deviation = 0.3
      change(&side)
      var sizes = EncoderDecoderConfiguration(
        vocabulary: vocabulary, encoder: side, decoder: side)
      (sizes.decoderVocabulary, sizes.head, sizes.deviation) = (vocabulary, .own, 0.5)
      return sizes
    }
    return [
      ("BART", pair { _ in }),
      ("mBART", pair { ($0.isNormFirst, $0.hasLastNorm) = (true, true) }),
      ("Marian", pair { ($0.positions, $0.hasEmbeddingNorm) = (.sinusoidal, false) }),
      (
        "T5",
        pair {
          $0.positions = .relative(buckets: 6, longest: 9)
          ($0.norm, $0.isNormFirst, $0.hasLastNorm) = (.rms, true, true)
          ($0.hasEmbeddingNorm, $0.hasBias, $0.isScaled) = (false, false, false)
        }
      ),
    ]
  }()

  @Test func `The decoder sees no later tokens, the encoder all`() {
    for (name, sizes) in Self.pairs {
      var model = EncoderDecoder(sizes, key: Self.key)
      let (_, slopes) = valueAndGradient(updating: &model) { model in
        model(tokens(5), tokens(6)).element(1, 2).square().sum()
      }
      expectCausal(slopes.decoderTokens!.weight, place: 2, length: 6, name)
      expectCausal(slopes.tokens.weight, place: 4, length: 5, name)
    }
  }

  /// Whether all bits agree.
  private func isSame(_ a: Tensor, _ b: Tensor) -> Bool {
    zip(a.floats(), b.floats()).allSatisfy { $0.bitPattern == $1.bitPattern }
  }

  @Test func `Cached steps equal the whole bit for bit`() {
    for (name, sizes) in Self.decoders {
      let model = GPT(sizes, key: Self.key)
      let whole = model(tokens(7))
      var caches = model.caches(batch: 1, capacity: 12)
      let parts = [0..<3, 3..<4, 4..<7].map { range in
        model(tokens(7).sliced(1, range), caches: &caches)
      }
      #expect(isSame(concatenate(parts, axis: 1), whole), "\(name)")
    }
  }

  @Test func `A long text's cached steps equal the whole bit for bit`() {
    let model = GPT(
      GPTConfiguration(vocabulary: 50, context: 600, width: 96, layers: 2, heads: 3), key: Self.key)
    let text = Tensor((0..<600).map { Int32($0 * $0 % 47) }, shape: [1, 600])
    let whole = model(text)
    var caches = model.caches(batch: 1, capacity: 640)
    let parts = [0..<400, 400..<401, 401..<530, 530..<600].map { range in
      model(text.sliced(1, range), caches: &caches)
    }
    #expect(isSame(concatenate(parts, axis: 1), whole))
  }

  @Test func `Cached steps of the decoder equal the whole bit for bit`() {
    let mask = Tensor([1, 1, 1, 0, 0] as [Float]).greater(than: 0).reshaped([1, 1, 1, 5])
    for (name, sizes) in Self.pairs {
      let model = EncoderDecoder(sizes, key: Self.key)
      let whole = model(tokens(5), tokens(7, from: 3), sourceMask: mask)
      let memory = model.keyValues(of: model.encoderStates(tokens(5), mask: mask).last!)
      var caches = model.decoder.caches(batch: 1, capacity: 9)
      let parts = [0..<3, 3..<4, 4..<7].map { range in
        model(
          tokens(7, from: 3).sliced(1, range), caches: &caches, memory: memory, memoryMask: mask)
      }
      #expect(isSame(concatenate(parts, axis: 1), whole), "\(name)")
    }
  }

  // MARK: ProphetNet

  private func prophet(streams: Int) -> ProphetNet {
    var side = TokenStackConfiguration(
      width: 16, layers: 2, heads: 4, inner: 24, positions: .learned(count: 12, offset: 1))
    side.deviation = 0.3
    var sizes = ProphetNetConfiguration(
      vocabulary: Self.vocabulary, encoder: side, decoder: side, streams: streams, buckets: 6,
      longestDistance: 9)
    (sizes.hasOwnTable, sizes.head) = (true, .own)
    return ProphetNet(sizes, key: Self.key)
  }

  @Test func `Every stream sees as much less as it predicts further`() {
    for stream in 0..<3 {
      var model = prophet(streams: 3)
      let (_, slopes) = valueAndGradient(updating: &model) { model in
        let memory = model.encoderStates(tokens(5)).last!
        let states = model.decoderStates(tokens(6), memory: memory)
        return model.logits(of: states.last!).element(1, stream).element(1, 3).square().sum()
      }
      expectCausal(
        slopes.decoderTokens!.weight, place: 3 - stream, length: 6, "stream \(stream)")
    }
  }

  @Test func `The first stream's cached steps equal the whole, whatever the number of streams`() {
    let model = prophet(streams: 2)
    let memory = model.encoderStates(tokens(5)).last!
    let states = model.decoderStates(tokens(7), memory: memory).last!
    let whole = model.logits(of: states).element(1, 0)
    var caches = model.caches(batch: 1, capacity: 8)
    let parts = [0..<1, 1..<4, 4..<7].map { range in
      model(
        tokens(7).sliced(1, range), caches: &caches, memory: model.keyValues(of: memory))
    }
    #expect(distance(concatenate(parts, axis: 1), whole) < 1e-5)
  }

  // MARK: MASS

  @Test func `A fragment is hidden from the encoder and asked of the decoder at its own places`() {
    let texts = Tensor([5, 6, 7, 8, 9, 10, 11, 12] as [Int32], shape: [2, 4])
    let fragment = MASSFragment(
      of: texts, starts: Tensor([0, 2] as [Int32]), count: 2, mask: 3, beginning: 2, key: Self.key)
    #expect(fragment.source.integers() == [3, 3, 7, 8, 9, 10, 3, 3])
    #expect(fragment.target.integers() == [2, 5, 10, 11])
    #expect(fragment.labels.integers() == [5, 6, 11, 12])
    #expect(fragment.positions.integers() == [0, 1, 2, 3])
  }

  @Test func `A fragment of the whole text is a language model with a constant memory`() {
    let model = EncoderDecoder(
      .mass(vocabulary: Self.vocabulary, context: 8, width: 16, layers: 2, heads: 4, inner: 24),
      key: Self.key)
    let texts = tokens(6, from: 4)
    let fragment = MASSFragment(
      of: texts, starts: Tensor([0] as [Int32]), count: 6, mask: 3, beginning: 2, key: Self.key)
    let masks = Tensor.fill(integer: 3, [1, 6], .int32)
    let before = concatenate([.fill(integer: 2, [1, 1], .int32), texts.sliced(1, 0..<5)], axis: 1)
    let expected = crossEntropy(model(masks, before), texts)
    #expect(abs(fragment.loss(model).scalar - expected.scalar) < 1e-6)
  }

  @Test func `Hidden tokens stay, change and are masked as often as in the paper`() {
    let texts = Tensor.fill(integer: 7, [400, 100], .int32)
    let count = 50
    let starts = MASSFragment.starts(batch: 400, length: 100, count: count, Self.key)
    let fragment = MASSFragment(
      of: texts, starts: starts, count: count, mask: 3, beginning: 2, vocabulary: 1000,
      key: Self.key)
    let ids = fragment.source.integers()
    let masked = Double(ids.filter { $0 == 3 }.count) / Double(400 * count)
    let kept = Double(ids.filter { $0 == 7 }.count - 400 * count) / Double(400 * count)
    #expect(abs(masked - 0.8) < 0.01)
    #expect(abs(kept - 0.1) < 0.01)
    let places = starts.integers()
    let atBeginning = Double(places.filter { $0 == 0 }.count) / 400
    #expect(places.allSatisfy { (0...50).contains($0) })
    #expect(abs(atBeginning - 0.2 - 0.6 / 51) < 0.06)
  }
}

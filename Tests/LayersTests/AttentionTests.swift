import Layers
import Tensors
import TestSupport
import Testing

@Suite struct AttentionTests {
  private let key = RandomKey(seed: 3)

  /// Layers of every kind: fused and apart, grouped, rotary, with a window.
  private var layers: [MultiHeadAttention] {
    [
      MultiHeadAttention(width: 12, heads: 3, isCausal: true, key: key),
      MultiHeadAttention(
        width: 12, heads: 4, keyHeads: 2, isFused: false, isCausal: true, key: key),
      MultiHeadAttention(
        width: 12, heads: 2, keyHeads: 1, headWidth: 8, isCausal: true,
        rotary: RotaryPositions(width: 8), key: key),
      MultiHeadAttention(
        width: 12, heads: 2, isCausal: true, window: 3,
        rotary: RotaryPositions(width: 4, isInterleaved: true), key: key),
    ].map { $0.randomized() }
  }

  @Test("No output depends on a later input: the gradient is exactly 0")
  func causality() {
    let x = key.fork(1).normal([1, 6, 12])
    for layer in layers {
      for t in 0..<5 {
        let slope = valueAndGradient(at: x) { layer($0).sliced(1, t..<(t + 1)).square().sum() }
          .gradient
        #expect(slope.sliced(1, (t + 1)..<6).floats().allSatisfy { $0 == 0 })
        #expect(slope.sliced(1, t..<(t + 1)).floats().contains { $0 != 0 })
      }
    }
  }

  @Test("Token by token and in chunks with a cache, attention gives what it gives at once")
  func cached() {
    let x = key.fork(1).normal([2, 7, 12])
    for layer in layers {
      let whole = layer(x)
      for chunks in [[1, 1, 1, 1, 1, 1, 1], [3, 1, 3], [7]] {
        var cache = layer.cache(batch: 2, capacity: 7)
        var (start, parts) = (0, [Tensor]())
        for length in chunks {
          parts.append(layer(x.sliced(1, start..<(start + length)), cache: &cache))
          start += length
        }
        #expect(distance(concatenate(parts, axis: 1), whole) < 1e-5, "\(chunks)")
      }
    }
  }

  @Test("A cache that grew holds the same tokens")
  func grown() {
    let layer = layers[2]
    let x = key.fork(1).normal([1, 5, 12])
    var cache = layer.cache(batch: 1, capacity: 3)
    let first = layer(x.sliced(1, 0..<3), cache: &cache)
    cache = cache.grown(to: 6)
    let second = layer(x.sliced(1, 3..<5), cache: &cache)
    #expect(distance(concatenate([first, second], axis: 1), layer(x)) < 1e-5)
    #expect(cache.capacity == 6 && cache.count.scalar == 5)
  }

  @Test("A compiled step with a cache serves every position with one program")
  func compiledCache() {
    let layer = layers[0]
    let x = key.fork(1).normal([1, 4, 12])
    let step = compiled { (cache: inout KeyValueCache, x: Tensor) in layer(x, cache: &cache) }
    var cache = layer.cache(batch: 1, capacity: 8)
    let parts = (0..<4).map { step(&cache, x.sliced(1, $0..<($0 + 1)).evaluated()) }
    #expect(distance(concatenate(parts, axis: 1), layer(x)) < 1e-5)
    #expect(step.programCount == 1)
  }

  @Test("Padding on the left, hidden and with shifted positions, changes nothing")
  func leftPadding() {
    let x = key.fork(1).normal([1, 5, 12])
    let padded = concatenate([.fill(9, [1, 2, 12]), x], axis: 1)
    let mask = Tensor.range(7).reshaped([1, 1, 1, 7]).greater(than: 1)
    for layer in layers {
      let shifted = layer(
        padded, mask: mask, positions: .range(7) - Tensor([Int32](repeating: 2, count: 7)))
      #expect(distance(shifted.sliced(1, 2..<7), layer(x)) < 1e-5)
    }
  }

  @Test("The order of a memory's tokens means nothing; a mask's hidden tokens neither")
  func permutation() {
    let layer = MultiHeadAttention(width: 12, heads: 3, key: key).randomized()
    let (x, memory) = (key.fork(1).normal([2, 3, 12]), key.fork(2).normal([2, 5, 12]))
    let expected = layer(x, layer.keyValues(of: memory))
    let reversed = layer(x, layer.keyValues(of: memory.reversed(1)))
    #expect(distance(reversed, expected) < 1e-5)
    #expect(distance(layer(memory.reversed(1)), layer(memory).reversed(1)) < 1e-5)
    let longer = concatenate([memory, .ones([2, 2, 12])], axis: 1)
    let mask = Tensor.range(7).reshaped([1, 1, 1, 7]).less(than: 5)
    #expect(distance(layer(x, layer.keyValues(of: longer), mask: mask), expected) < 1e-5)
  }

  @Test("Probabilities add up to 1 and give the fused output; dropout of them keeps the mean")
  func probabilities() {
    for var layer in layers {
      let x = key.fork(1).normal([1, 6, 12])
      let (output, weights) = layer.withWeights(x)
      #expect(distance(output, layer(x)) < 1e-5)
      #expect(distance(weights.sum([-1]), weights.sum([-1]).onesLike()) < 1e-6)
      layer.dropout = 0.5
      let draws = (0..<400).map { layer(x, .training(key.fork($0))) }
      #expect(distance(stack(draws).mean([0]), output) < 0.3)
      #expect(distance(draws[0], output) > 1e-3)
    }
  }

  @Test("Gradients are those of central differences")
  func differences() {
    let x = key.fork(1).normal([2, 4, 12])
    for layer in layers { checkGradient(of: layer, at: x) { $0($1) } }
  }

  @Test("Every tensor is named once")
  func names() {
    for layer in layers { #expect(forgottenTensors(in: layer) == []) }
    let block = TransformerBlock(
      norm: { RMSNorm(width: 12) }, attention: layers[1], crossAttention: layers[0],
      feedForward: FeedForward(width: 12, inner: 8, gate: .separate, key: key))
    #expect(forgottenTensors(in: block) == [])
  }
}

@Suite struct TransformerTests {
  private let key = RandomKey(seed: 4)

  @Test("Decoding with caches gives what the whole decoder gives", arguments: [false, true])
  func decoding(isNormFirst: Bool) {
    let model = Transformer(
      width: 8, heads: 2, encoderLayers: 1, decoderLayers: 2, inner: 12, isNormFirst: isNormFirst,
      key: key
    ).randomized()
    let (source, target) = (key.fork(1).normal([2, 4, 8]), key.fork(2).normal([2, 5, 8]))
    let memory = model.encoder(source)
    let keyValues = model.decoder.keyValues(of: memory)
    var caches = model.decoder.caches(batch: 2, capacity: 6)
    let parts = (0..<5).map {
      model.decoder(target.sliced(1, $0..<($0 + 1)), caches: &caches, memory: keyValues)
    }
    #expect(distance(concatenate(parts, axis: 1), model(source, target)) < 1e-4)
  }

  @Test("Without branches a block that norms first passes its input on")
  func residual() {
    let block = TransformerBlock(
      norm: { LayerNorm(width: 8) },
      attention: MultiHeadAttention(width: 8, heads: 2, isCausal: true, key: key),
      feedForward: FeedForward(width: 8, inner: 16, key: key), isNormFirst: true)
    let still = block.mapTensors { $0.zerosLike() }
    let x = key.normal([2, 3, 8])
    #expect(still(x).floats() == x.floats())
    checkGradient(of: block.randomized(), at: x) { $0($1) }
  }

  @Test(
    "Gated feed-forward parts follow their formula", arguments: [FeedForward.Gate.separate, .joint])
  func gates(_ gate: FeedForward.Gate) {
    let layer = FeedForward(width: 4, inner: 6, activation: .silu, gate: gate, key: key)
    let x = key.normal([3, 4])
    let inner = layer.input(x)
    let (value, door) =
      gate == .joint
      ? (inner.sliced(-1, 0..<6), inner.sliced(-1, 6..<12)) : (inner, layer.gate!(x))
    #expect(distance(layer(x), layer.output(value * door.silu())) < 1e-6)
  }

  /// The order of a weight's axes is a matter of files: all uses of the projections give the same numbers.
  @Test func theOrderOfTheWeightsAxesChangesNoNumber() {
    let key = RandomKey(seed: 4)
    let attention = MultiHeadAttention(width: 8, heads: 2, keyHeads: 1, key: key)
    var other = attention
    let (weight, bias) = (attention.qkv!.weight.transposed(), attention.qkv!.bias)
    other.qkv = Linear(weight: weight, bias: bias, isInputFirst: true)
    #expect(other.qkv!.inputs == 8 && other.qkv!.outputs == 16)
    let (x, memory) = (key.normal([2, 3, 8]), key.fork(1).normal([2, 5, 8]))
    #expect(distance(other(x), attention(x)) < 1e-6)
    let across = attention(x, attention.keyValues(of: memory))
    #expect(distance(other(x, other.keyValues(of: memory)), across) < 1e-6)
    let apart = other(x, other.keyValues(of: memory, values: memory))
    #expect(distance(apart, across) < 1e-6)
  }
}

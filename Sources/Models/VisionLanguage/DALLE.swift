public import Layers
public import Tensors

/// Sizes of DALL·E's Transformer; those of the paper unless given.
public struct DALLEConfiguration: Codable, Hashable, Sendable {
  /// Tokens of texts; 0 begins a text and, behind its end, stands for padding.
  public var vocabulary = 16384
  /// Tokens of every text, padding included: each place has a padding token of its own.
  public var text = 256
  /// Entries of the pictures' codebook.
  public var codes = 8192
  /// Rows and columns of a picture's codes.
  public var grid = [32, 32]
  public var width = 3968
  public var layers = 64
  public var heads = 62
  public var headWidth = 64
  /// Of the feed-forward parts.
  public var inner = 4 * 3968
  /// The feed-forward parts have a gate, the second half of one product.
  public var isGated = false
  /// Of q, k and v.
  public var hasQueryBias = true
  /// Branches are multiplied by trained factors that begin so small.
  public var layerScale: Double?
  public var dropout = 0.1
  /// What the layers' pictures see, in turn; one for each layer, or repeated.
  public var patterns = DALLEConfiguration.published(layers: 64)
  /// Patterns run on over the ends of rows, as in the paper; else they end there.
  public var wraps = true
  /// How much more pictures count than texts.
  public var pictureWeight = 7.0

  /// Which codes before it a code sees, beside the whole text.
  public enum Pattern: Codable, Hashable, Sendable {
    case all
    /// Those of its row; with wrapping as many, up to the code above.
    case row
    case column
    /// Those within a square of this size around it.
    case square(Int)
  }

  public init() {}

  /// Every fourth layer looks along columns, the last one around, all others along rows (B.1).
  public static func published(layers: Int) -> [Pattern] {
    (1...max(layers, 1)).map { $0 == layers ? .square(11) : $0 % 4 == 2 ? .column : .row }
  }

  /// Tokens of texts with the padding of every place: numbers from here on are codes.
  public var textCount: Int { vocabulary + text }
  public var places: Int { grid[0] * grid[1] }
}

/// DALL·E's Transformer (Ramesh et al., arXiv:2102.12092, 2.2 and B.1): writes the codes of a picture behind a text, all as one
/// sequence of tokens.
///
/// A sequence is a beginning, the text's tokens and the picture's codes; `sequence(texts:codes:)` joins them. Codes have the
/// numbers from `textCount` on, as in the logits; those of tokens that cannot come next are −∞.
public struct DALLE: Module {
  public var tokens: Embedding
  /// Of the beginning and of the texts' places.
  public var positions: LearnedPositions
  public var codes: Embedding
  /// [1, rows, 1, width] and [1, 1, columns, width].
  public var rows: Tensor
  public var columns: Tensor
  public var blocks: [TransformerBlock<LayerNorm>]
  public var norm: LayerNorm
  public var head: Linear
  public let configuration: DALLEConfiguration

  public init(_ configuration: DALLEConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.width
    let normal = Initializer.normal(deviation: 0.02)
    tokens = Embedding(
      count: configuration.textCount, width: width, initializer: normal, key: key.fork(0))
    positions = LearnedPositions(count: configuration.text + 1, width: width, key: key.fork(1))
    codes = Embedding(
      count: configuration.codes, width: width, initializer: normal, key: key.fork(2))
    rows = normal([1, configuration.grid[0], 1, width], key.fork(3))
    columns = normal([1, 1, configuration.grid[1], width], key.fork(4))
    blocks = (0..<configuration.layers).map { Self.block(configuration, key.fork(5).fork($0)) }
    norm = LayerNorm(width: width)
    head = Linear(
      weight: normal([configuration.textCount + configuration.codes, width], key.fork(6)),
      bias: .zeros([configuration.textCount + configuration.codes]))
  }

  private static func block(_ sizes: DALLEConfiguration, _ key: RandomKey)
    -> TransformerBlock<LayerNorm>
  {
    var block = TransformerBlock(
      norm: { LayerNorm(width: sizes.width) },
      attention: MultiHeadAttention(
        width: sizes.width, heads: sizes.heads, headWidth: sizes.headWidth,
        hasBias: sizes.hasQueryBias, hasOutputBias: true, isCausal: true, dropout: sizes.dropout,
        key: key.fork(0)),
      feedForward: FeedForward(
        width: sizes.width, inner: sizes.inner, gate: sizes.isGated ? .joint : .none,
        key: key.fork(1)),
      dropout: sizes.dropout)
    if let scale = sizes.layerScale {
      block.attentionScale = .fill(scale, [1, 1, sizes.width])
      block.feedForwardScale = .fill(scale, [1, 1, sizes.width])
    }
    let layers = Double(2 * sizes.layers)
    block.initialize(key.fork(2)) { leaf in
      if leaf.name.hasSuffix("bias") { return .zeros }
      guard leaf.tensor.rank == 2 else { return nil }
      let isResidual = leaf.name.hasPrefix("linear2") || leaf.name.contains("out_proj")
      return .normal(deviation: isResidual ? 0.02 / layers.squareRoot() : 0.02)
    }
    return block
  }

  // MARK: Sequences

  /// Texts [batch, text], 0 where there are none any more, and codes [batch, places], which may be missing, as one sequence:
  /// int32, [batch, 1 + text + places].
  public func sequence(texts: Tensor, codes: Tensor? = nil) -> Tensor {
    let texts = texts.cast(to: .int32)
    let own = Tensor.range(configuration.text) + number(configuration.vocabulary)
    let padded = select(texts.equal(to: 0), own.expanded(0), texts)
    let parts = [Tensor.fill(integer: 0, [texts.shape[0], 1], .int32), padded]
    let picture = codes.map { [$0.cast(to: .int32) + number(configuration.textCount)] } ?? []
    return concatenate(parts + picture, axis: 1)
  }

  private func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], .int32) }

  /// Logits of the token behind every place of a sequence or of its beginning:
  /// [batch, length] → [batch, length, texts' tokens and codes].
  public func callAsFunction(_ ids: Tensor, _ phase: Phase = .inference) -> Tensor {
    let places = Tensor.range(ids.shape[1])
    var x = Dropout(configuration.dropout)(embedded(ids, places), phase.fork(-1))
    for (i, block) in blocks.enumerated() {
      let mask = visibility(i, length: ids.shape[1])
      x = block(x, mask: mask, phase.fork(i)).recorded("blocks.\(i)")
    }
    return logits(x, places)
  }

  /// The mean cross entropy of the texts' tokens and that of the codes, weighed (2.2).
  /// - Parameter ids: whole sequences.
  public func loss(_ ids: Tensor, _ phase: Phase = .inference) -> Tensor {
    let (text, length) = (configuration.text, ids.shape[1] - 1)
    let (logits, next) = (self(ids.sliced(1, 0..<length), phase), ids.sliced(1, 1..<(length + 1)))
    let parts = [0..<text, text..<length].map {
      crossEntropy(logits.sliced(1, $0), next.sliced(1, $0))
    }
    let weight = configuration.pictureWeight
    return (parts[0] + parts[1] * weight) * (1 / (1 + weight))
  }

  // MARK: Parts

  /// - Parameter places: of the tokens in the sequence, int32, [length].
  private func embedded(_ ids: Tensor, _ places: Tensor) -> Tensor {
    let ids = ids.cast(to: .int32)
    let first = number(configuration.textCount)
    // Numbers outside a table count as its nearest row, which they do not train.
    let x = select(
      ids.greaterOrEqual(to: first).expanded(-1), codes(ids - first), tokens(ids))
    let grid = (rows + columns).reshaped([configuration.places, configuration.width])
    return x + concatenate([positions.weight, grid]).rows(places)
  }

  private func logits(_ states: Tensor, _ places: Tensor) -> Tensor {
    let logits = head(norm(states))
    let isText = Tensor.range(logits.shape[2]).less(than: number(configuration.textCount))
    let wantsText = places.less(than: number(configuration.text)).expanded(-1)
    return select(wantsText.xor(isText).not(), logits, Tensor(-Double.infinity))
  }

  /// Which places a layer lets each place see, besides that none sees later ones: bool, [length, length]; nil: all.
  private func visibility(_ layer: Int, length: Int) -> Tensor? {
    let pattern = configuration.patterns[layer % configuration.patterns.count]
    guard pattern != .all else { return nil }
    let (first, width) = (configuration.text + 1, configuration.grid[1])
    func coordinate(_ value: (Int) -> Int) -> (query: Tensor, key: Tensor) {
      let values = Tensor((0..<length).map { Int32($0 < first ? 0 : value($0 - first)) })
      return (values.expanded(1), values.expanded(0))
    }
    func behind(_ value: (Int) -> Int) -> Tensor {
      let (query, key) = coordinate(value)
      return query - key
    }
    func isWithin(_ x: Tensor, _ range: Int) -> Tensor {
      x.abs().lessOrEqual(to: number(range))
    }
    let isSeen: Tensor
    switch pattern {
    case .row where configuration.wraps: isSeen = isWithin(behind { $0 }, width)
    case .row: isSeen = isWithin(behind { $0 / width }, 0)
    case .square(let size) where configuration.wraps:
      isSeen = (0...(size / 2)).map { row in
        isWithin(behind { $0 } - number(row * width), size / 2)
      }.reduce(Tensor.fill(0, [length, length], .bool)) { $0.or($1) }
    case .square(let size):
      isSeen = isWithin(behind { $0 / width }, size / 2)
        .and(isWithin(behind { $0 % width }, size / 2))
    default: isSeen = isWithin(behind { $0 % width }, 0)
    }
    return isSeen.or(Tensor.range(length).less(than: number(first)).expanded(0))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("text_emb", &tokens)
    visitor("text_pos_emb", &positions)
    visitor("image_emb", &codes)
    visitor("image_pos_emb.rows", &rows)
    visitor("image_pos_emb.columns", &columns)
    visitor("blocks", &blocks)
    visitor("norm", &norm)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}

extension DALLE: TokenModel {
  /// The last code is written, never read.
  public var context: Int? { configuration.text + configuration.places }

  /// - Parameter padding: none: texts have padding of their own.
  public func memory(of source: Nothing, batch: Int, capacity: Int, padding: Tensor?)
    -> DecoderMemory
  {
    DecoderMemory(caches: blocks.map { $0.attention.cache(batch: batch, capacity: capacity) })
  }

  public func read(_ ids: Tensor, _ memory: inout DecoderMemory, last count: Int) -> Tensor {
    let places = memory.caches[0].positions(of: ids.shape[1])
    let capacity = memory.caches[0].capacity
    var x = embedded(ids, places)
    for (i, block) in blocks.enumerated() {
      let mask = visibility(i, length: capacity)?.gathered(0, places)
      x = block(x, cache: &memory.caches[i], mask: mask)
    }
    return logits(x.lastPlaces(count), places.sliced(0, (ids.shape[1] - count)..<ids.shape[1]))
  }
}

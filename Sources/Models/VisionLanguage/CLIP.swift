internal import Foundation
public import Layers
public import Tensors

/// Sizes of CLIP's text tower.
public struct CLIPTextConfiguration: Codable, Hashable, Sendable {
  /// Which token stands for a text.
  public enum End: Codable, Hashable, Sendable {
    /// The one with the highest number.
    case highest
    /// The first one with this number.
    case first(Int)
    /// The first of the text.
    case beginning
  }

  /// Entries of the token table.
  public var vocabulary: Int
  /// The longest text.
  public var context: Int
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Of the feed-forward parts.
  public var inner: Int
  public var activation = Activation.quickGELU
  public var epsilon = 1e-5
  public var attentionDropout = 0.0
  public var end = End.highest
  /// A token sees itself and those before it.
  public var isCausal = true
  /// q, k and v are one product.
  public var isFused = false
  /// Of the last layer; rising evenly from 0 in the first.
  public var stochasticDepth = 0.0

  public init(
    vocabulary: Int = 49408, context: Int = 77, width: Int = 512, layers: Int = 12, heads: Int = 8,
    inner: Int = 2048
  ) {
    (self.vocabulary, self.context, self.width) = (vocabulary, context, width)
    (self.layers, self.heads, self.inner) = (layers, heads, inner)
  }

  /// The layers, as those of a vision Transformer.
  var blocks: ViTConfiguration {
    var sizes = ViTConfiguration(width: width, layers: layers, heads: heads, inner: inner)
    (sizes.activation, sizes.epsilon, sizes.isFused) = (activation, epsilon, isFused)
    sizes.attentionDropout = attentionDropout
    sizes.stochasticDepth = stochasticDepth
    return sizes
  }
}

/// Sizes of CLIP.
public struct CLIPConfiguration: Codable, Hashable, Sendable {
  public var vision: ViTConfiguration
  public var text: CLIPTextConfiguration
  /// Of the space that both share.
  public var width: Int
  /// The first logarithm of what cosines are multiplied by.
  public var logScale = 2.6592

  public init(vision: ViTConfiguration, text: CLIPTextConfiguration, width: Int) {
    (self.vision, self.text, self.width) = (vision, text, width)
    self.vision.classes = 0
    self.vision.normalisesFirst = true
    self.vision.lastNorm = .pooled
    self.vision.pooling = .token
  }
}

/// CLIP's text tower: a causal Transformer, whose state at the end of a text stands for all of it.
public struct CLIPText: Module {
  public var tokens: Embedding
  public var positions: LearnedPositions
  public var blocks: [ViTBlock]
  public var norm: LayerNorm
  public let configuration: CLIPTextConfiguration

  public init(_ configuration: CLIPTextConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.width
    tokens = Embedding(
      count: configuration.vocabulary, width: width, initializer: .normal(deviation: 0.02),
      key: key.fork(0))
    positions = LearnedPositions(count: configuration.context, width: width, key: key.fork(1))
    blocks = (0..<configuration.layers).map {
      var block = ViTBlock(configuration.blocks, place: $0, key: key.fork(2).fork($0))
      block.block.attention.isCausal = configuration.isCausal
      return block
    }
    norm = LayerNorm(width: width, epsilon: configuration.epsilon)
  }

  /// States behind every token, [batch, length, width].
  /// - Parameters:
  ///   - ids: [batch, length].
  ///   - mask: which places are tokens, bool, [batch, 1, 1, length].
  ///   - places: of the tokens, as `ids`; 0, 1, … unless given.
  public func states(
    _ ids: Tensor, mask: Tensor? = nil, places: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    var x = positions(tokens(ids), at: places)
    for (i, block) in blocks.enumerated() {
      x = block(x, mask: mask, phase.fork(i)).recorded("blocks.\(i)")
    }
    return norm(x)
  }

  /// The state at the end of every text: [batch, width].
  public func pooled(_ states: Tensor, _ ids: Tensor) -> Tensor {
    let end =
      switch configuration.end {
      case .highest: ids.argmax(1)
      case .first(let id): ids.equal(to: Double(id)).cast(to: .int32).argmax(1)
      case .beginning: Tensor.fill(integer: 0, [ids.shape[0]], .int32)
      }
    let place = end.reshaped([-1, 1, 1]).broadcast(to: [states.shape[0], 1, states.shape[2]])
    return states.takeAlong(1, place).squeezed(1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("token_embedding", &tokens)
    visitor("position_embedding", &positions)
    visitor("blocks", &blocks)
    visitor("final_layer_norm", &norm)
    visitor.fixed("configuration", configuration)
  }
}

/// CLIP (Radford et al., arXiv:2103.00020): a picture and a text that belong together have vectors that point the same way.
public struct CLIP: Module {
  public var vision: ViT
  public var text: CLIPText
  public var pictureProjection: Linear
  public var textProjection: Linear
  /// The logarithm of what cosines are multiplied by: shape [].
  public var logScale: Tensor
  public let configuration: CLIPConfiguration

  public init(_ configuration: CLIPConfiguration, key: RandomKey) {
    self.configuration = configuration
    vision = ViT(configuration.vision, key: key.fork(0))
    text = CLIPText(configuration.text, key: key.fork(1))
    let (wide, narrow) = (configuration.vision.width, configuration.text.width)
    pictureProjection = Linear(
      inputs: wide, outputs: configuration.width, hasBias: false, key: key.fork(2))
    textProjection = Linear(
      inputs: narrow, outputs: configuration.width, hasBias: false, key: key.fork(3))
    logScale = Tensor(configuration.logScale)
    // CLIP's files keep these without an axis of the batch.
    vision.classToken = vision.classToken?.reshaped([wide])
    vision.positions = vision.positions?.reshaped([-1, wide])
    initialise(key.fork(4))
  }

  /// Normal numbers by width and depth (the paper's code): what is added to the residual is smaller by √(2 · layers).
  private mutating func initialise(_ key: RandomKey) {
    let sizes = configuration
    initialize(key) { leaf in
      let isText = leaf.name.hasPrefix("text")
      let width = Double(isText ? sizes.text.width : sizes.vision.width)
      let depth = Double(isText ? sizes.text.layers : sizes.vision.layers)
      let deviation: Double? =
        switch leaf.name.split(separator: ".").dropLast().last {
        case "q_proj", "k_proj", "v_proj": 1 / (width * 2 * depth).squareRoot()
        case "proj" where leaf.name.contains("attn"): 1 / width.squareRoot()
        case "fc1": 1 / (2 * width).squareRoot()
        case "fc2": 1 / (width * 2 * depth).squareRoot()
        case "visual_projection", "text_projection": 1 / width.squareRoot()
        case "proj": 0.02
        default: nil
        }
      if leaf.name.hasSuffix("bias") { return .zeros }
      if leaf.name == "vision.cls_token" { return .normal(deviation: 1 / width.squareRoot()) }
      return deviation.map { .normal(deviation: $0) }
    }
  }

  /// What a pass over pictures or texts gives.
  public struct Embedded: Sendable {
    /// Of every token: [batch, length, width of the tower].
    public let states: Tensor
    /// [batch, width].
    public let projected: Tensor
    /// The same with length 1.
    public var direction: Tensor { projected.direction }
  }

  /// - Parameter pictures: [batch, height, width, channels].
  public func embedded(pictures: Tensor, _ phase: Phase) -> Embedded {
    let tokens = vision.tokens(pictures, phase)
    return Embedded(
      states: tokens, projected: pictureProjection(vision.features(of: tokens)))
  }

  /// Texts, as `CLIPText.states` takes them.
  public func embedded(
    texts ids: Tensor, mask: Tensor? = nil, places: Tensor? = nil, _ phase: Phase
  ) -> Embedded {
    let states = text.states(ids, mask: mask, places: places, phase)
    return Embedded(states: states, projected: textProjection(text.pooled(states, ids)))
  }

  /// How well every text fits every picture: [texts, pictures].
  public func logits(texts: Tensor, pictures: Tensor) -> Tensor {
    matrixProduct(texts, pictures.transposed()) * logScale.exp()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("vision", &vision)
    visitor("text", &text)
    visitor("visual_projection", &pictureProjection)
    visitor("text_projection", &textProjection)
    visitor("logit_scale", &logScale)
    visitor.fixed("configuration", configuration)
  }
}

extension Tensor {
  /// Vectors [batch, width] with length 1.
  public var direction: Tensor { self / square().sum([1], keepsAxes: true).sqrt() }
}

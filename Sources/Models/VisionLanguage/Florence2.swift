public import Layers
public import Tensors

/// Sizes of Florence-2.
public struct Florence2Configuration: Codable, Hashable, Sendable {
  public var vision: DaViTConfiguration
  public var text: EncoderDecoderConfiguration
  /// The longest side of the last map, and the most moments of a film.
  public var places: Int
  public var moments: Int
  /// The token that stands for a part of the picture.
  public var imageToken: Int

  public init(
    vision: DaViTConfiguration, text: EncoderDecoderConfiguration, places: Int = 50,
    moments: Int = 100, imageToken: Int = 51289
  ) {
    (self.vision, self.text, self.places) = (vision, text, places)
    (self.moments, self.imageToken) = (moments, imageToken)
  }
}

/// From a picture's map to tokens of the text's width: the mean, then every place.
public struct Florence2Projector: Module {
  /// Halves of a place's vector.
  public var rows: Embedding
  public var columns: Embedding
  /// Sines and cosines of moments, [moments, channels]; not trained.
  public var moments: Tensor
  public var projection: Linear
  public var norm: LayerNorm

  init(_ configuration: Florence2Configuration, key: RandomKey) {
    let width = configuration.vision.stages.last!.width
    rows = Embedding(
      count: configuration.places, width: width / 2, initializer: .normal(deviation: 0.02),
      key: key.fork(0))
    columns = Embedding(
      count: configuration.places, width: width - width / 2,
      initializer: .normal(deviation: 0.02), key: key.fork(1))
    moments = sinusoids(count: configuration.moments, width: width)
    projection = Linear(
      inputs: width, outputs: configuration.text.encoder.width, hasBias: false, key: key.fork(2))
    norm = LayerNorm(width: configuration.text.encoder.width)
  }

  /// [batch, height, width, channels] → [batch, 1 + height · width, width of the text].
  public func callAsFunction(_ map: Tensor) -> Tensor {
    let (height, width) = (map.shape[1], map.shape[2])
    let right = columns.weight.sliced(0, 0..<width).expanded(0)
    let down = rows.weight.sliced(0, 0..<height).expanded(1)
    let places = concatenate(
      [right, down].map { $0.broadcast(to: [height, width, $0.shape[2]]) }, axis: -1)
    // A picture is the first moment of a film.
    let tokens = (map + places).flattened(1..<3) + moments.sliced(0, 0..<1)
    let all = concatenate([tokens.mean([1], keepsAxes: true), tokens], axis: 1)
    return norm(projection(all))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("image_projection", &projection)
    visitor("image_proj_norm", &norm)
    visitor("image_position_embed.row_embeddings", &rows)
    visitor("image_position_embed.column_embeddings", &columns)
    visitor.buffer("visual_temporal_embed.pos_idx_to_embed", &moments)
  }
}

/// Florence-2 (Xiao et al., arXiv:2311.06242): the places of a picture are tokens that BART reads before a task's text.
public struct Florence2: Module {
  public var vision: DaViT
  public var projector: Florence2Projector
  public var text: EncoderDecoder
  public let configuration: Florence2Configuration

  public init(_ configuration: Florence2Configuration, key: RandomKey) {
    self.configuration = configuration
    vision = DaViT(configuration.vision, key: key.fork(0))
    projector = Florence2Projector(configuration, key: key.fork(1))
    text = EncoderDecoder(configuration.text, key: key.fork(2))
  }

  /// A picture as tokens: [batch, 1 + places, width].
  public func tokens(of pictures: Tensor, _ phase: Phase) -> Tensor {
    projector(vision(pictures, phase))
  }

  /// What the decoder attends to: the encoder's last states, [batch, length, width].
  /// - Parameters:
  ///   - ids: [batch, length], with as many image tokens in all as there are in `pictures`.
  ///   - mask: which places are tokens: bool, [batch, 1, 1, length].
  ///   - pictures: `tokens(of:)`; nil where there are none.
  public func memory(
    _ ids: Tensor, mask: Tensor? = nil, pictures: Tensor?, _ phase: Phase = .inference
  ) -> Tensor {
    var x = text.tokens(ids) * configuration.text.embeddingScale
    if let pictures {
      let isImage = ids.equal(to: Double(configuration.imageToken))
      // The n-th image token is the n-th of all pictures' tokens.
      let place = isImage.cast(to: .int32).reshaped([-1]).cumulativeSum(0, exclusive: true)
      let placed = pictures.flattened(0..<2).rows(place).reshaped(x.shape)
      x = select(isImage.expanded(-1), placed, x)
    }
    return text.encoder.states(x, mask: mask, phase).last!
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("vision", &vision)
    visitor("projector", &projector)
    visitor("text", &text)
    visitor.fixed("configuration", configuration)
  }
}

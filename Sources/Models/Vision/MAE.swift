public import Layers
public import Tensors

/// Sizes of a masked autoencoder.
public struct MAEConfiguration: Codable, Hashable, Sendable {
  /// Of the encoder, whose positions are fixed.
  public var encoder: ViTConfiguration
  /// Of the decoder: width, layers, heads and inner width; nil: there is none.
  public var decoder: ViTConfiguration?
  /// The share of patches that the encoder does not see.
  public var maskRatio = 0.75
  /// Pixels are compared after every patch was given mean 0 and variance 1.
  public var normalisesPixels = false

  public init(encoder: ViTConfiguration, decoder: ViTConfiguration? = nil) {
    self.encoder = encoder
    self.encoder.positions = .all
    self.encoder.hasFixedPositions = true
    self.encoder.classes = 0
    self.decoder = decoder
  }

  /// Patches of a picture, and how many of them the encoder sees.
  public var patches: Int { encoder.grid.reduce(1, *) }
  public var kept: Int { Int(Double(patches) * (1 - maskRatio)) }
  /// Numbers of a patch.
  public var pixels: Int { encoder.patch[0] * encoder.patch[1] * encoder.inputs }
}

/// What turns the tokens of a masked picture into all of its pixels.
public struct MAEDecoder: Module {
  public var input: Linear
  /// In place of every patch that was masked: [1, 1, width].
  public var maskToken: Tensor
  /// [1, 1 + patches, width], fixed.
  public var positions: Tensor
  public var blocks: [ViTBlock]
  public var norm: LayerNorm
  public var output: Linear

  init(_ configuration: MAEConfiguration, _ sizes: ViTConfiguration, key: RandomKey) {
    let width = sizes.width
    input = Linear(inputs: configuration.encoder.width, outputs: width, key: key.fork(0))
    maskToken = key.fork(1).normal([1, 1, width], deviation: 0.02)
    positions = ViT.fixedPositions(grid: configuration.encoder.grid, width: width)
    blocks = (0..<sizes.layers).map { ViTBlock(sizes, place: $0, key: key.fork(2).fork($0)) }
    norm = LayerNorm(width: width, epsilon: sizes.epsilon)
    output = Linear(inputs: width, outputs: configuration.pixels, key: key.fork(3))
  }

  /// - Parameters:
  ///   - tokens: of the class and the patches that were seen, in the order of `restoring`: [batch, 1 + kept, width].
  ///   - restoring: where every patch stands in that order: [batch, patches].
  /// - Returns: the pixels of every patch, [batch, patches, pixels].
  public func callAsFunction(_ tokens: Tensor, restoring: Tensor, _ phase: Phase) -> Tensor {
    let x = input(tokens)
    let (batch, length, width) = (x.shape[0], x.shape[1], x.shape[2])
    let patches = restoring.shape[1]
    let masked = maskToken.broadcast(to: [batch, patches + 1 - length, width])
    let shuffled = concatenate([x.sliced(1, 1..<length), masked], axis: 1)
    let order = restoring.expanded(-1).broadcast(to: [batch, patches, width])
    var y =
      concatenate([x.sliced(1, 0..<1), shuffled.takeAlong(1, order)], axis: 1) + positions
    for (i, block) in blocks.enumerated() { y = block(y, phase.fork(i)) }
    return output(norm(y)).sliced(1, 1..<(patches + 1))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("decoder_embed", &input)
    visitor("mask_token", &maskToken)
    visitor.buffer("decoder_pos_embed", &positions)
    visitor("decoder_blocks", &blocks)
    visitor("decoder_norm", &norm)
    visitor("decoder_pred", &output)
  }
}

/// A masked autoencoder (He et al., arXiv:2111.06377): a vision Transformer sees a quarter of the patches, and a smaller one
/// says what the pixels of the others are.
public struct MAE: Module {
  public var encoder: ViT
  /// nil where only features are asked for.
  public var decoder: MAEDecoder?
  public let configuration: MAEConfiguration

  public init(_ configuration: MAEConfiguration, key: RandomKey) {
    self.configuration = configuration
    encoder = ViT(configuration.encoder, key: key.fork(0))
    decoder = configuration.decoder.map { MAEDecoder(configuration, $0, key: key.fork(1)) }
    initialize(key.fork(2)) { leaf in
      switch leaf.name {
      case "encoder.cls_token": .normal(deviation: 0.02)
      case _ where leaf.name.hasSuffix("bias"): .zeros
      case _ where leaf.tensor.rank == 2: .xavierUniform()
      default: nil
      }
    }
    // As a linear layer of its patches.
    let weight = encoder.patchEmbedding.proj.weight
    encoder.patchEmbedding.proj.weight = Initializer.xavierUniform()(
      [weight.shape[0], weight.count / weight.shape[0]], key.fork(3)
    ).reshaped(weight.shape)
  }

  /// What a pass gives.
  public struct Pass: Sendable {
    /// Of the class and the patches that were seen: [batch, 1 + kept, width].
    public let tokens: Tensor
    /// Of all patches, [batch, patches, pixels]; nil where there is no decoder.
    public let pixels: Tensor?
    /// 1 where a patch was masked: [batch, patches].
    public let mask: Tensor
    /// Where every patch stands in the shuffled order: int32, [batch, patches].
    public let restoring: Tensor
  }

  /// - Parameters:
  ///   - x: [batch, height, width, channels].
  ///   - noise: the patches with the smallest numbers are seen: [batch, patches].
  public func callAsFunction(_ x: Tensor, noise: Tensor, _ phase: Phase) -> Pass {
    let shuffled = noise.argsort(1)
    let restoring = shuffled.argsort(1)
    let kept = configuration.kept
    let tokens = Recording.within("encoder") {
      let embedded = encoder.embedded(x, seeing: shuffled.sliced(1, 0..<kept), phase.fork(0))
      return encoder.encoded(embedded, phase.fork(1))
    }
    let bound = Tensor.fill(integer: Int64(kept), [], .int32)
    return Pass(
      tokens: tokens, pixels: decoder.map { $0(tokens, restoring: restoring, phase.fork(2)) },
      mask: restoring.greaterOrEqual(to: bound).cast(to: x.dataType), restoring: restoring)
  }

  /// Numbers that choose the patches by chance.
  public func noise(batch: Int, _ key: RandomKey) -> Tensor {
    key.uniform([batch, configuration.patches])
  }

  /// The mean squared error of the pixels of masked patches.
  public func loss(_ pass: Pass, _ x: Tensor) -> Tensor {
    guard let pixels = pass.pixels else { fail("masked autoencoder: there is no decoder to train") }
    let errors = (pixels - targets(x)).square().mean([2])
    return (errors * pass.mask).sum() / pass.mask.sum()
  }

  /// The pixels of every patch, row by row, channels last: [batch, patches, pixels].
  func targets(_ x: Tensor) -> Tensor {
    let (grid, patch) = (configuration.encoder.grid, configuration.encoder.patch)
    let pixels = x.reshaped([
      -1, grid[0], patch[0], grid[1], patch[1], configuration.encoder.inputs,
    ])
    .transposed([0, 1, 3, 2, 4, 5]).reshaped([-1, configuration.patches, configuration.pixels])
    guard configuration.normalisesPixels else { return pixels }
    let mean = pixels.mean([2], keepsAxes: true)
    let variance = pixels.variance([2], keepsAxes: true, unbiased: true)
    return (pixels - mean) / (variance + 1e-6).sqrt()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
    visitor.fixed("configuration", configuration)
  }
}

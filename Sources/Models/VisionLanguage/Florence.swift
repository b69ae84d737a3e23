public import Layers
public import Tensors

/// Sizes of a Florence.
public struct FlorenceConfiguration: Codable, Hashable, Sendable {
  /// A Swin Transformer; CoSwin where its tokens come from convolutions.
  public var vision: SwinConfiguration
  public var text: CLIPTextConfiguration
  /// Of the space that both share.
  public var width: Int
  /// The first logarithm of what cosines are multiplied by.
  public var logScale = 1.0

  public init(vision: SwinConfiguration, text: CLIPTextConfiguration, width: Int) {
    (self.vision, self.text, self.width) = (vision, text, width)
    self.vision.classes = 0
    self.text.isFused = true
  }
}

/// Florence (Yuan et al., arXiv:2111.11432), and the two towers of UniCL (arXiv:2204.03610) that it grew from: a Swin
/// Transformer and a text Transformer, trained so that pictures and texts of one label point the same way.
public struct Florence: Module {
  public var vision: Swin
  public var text: CLIPText
  public var pictureProjection: Linear
  public var textProjection: Linear
  /// The logarithm of what cosines are multiplied by: shape [].
  public var logScale: Tensor
  public let configuration: FlorenceConfiguration

  public init(_ configuration: FlorenceConfiguration, key: RandomKey) {
    self.configuration = configuration
    vision = Swin(configuration.vision, key: key.fork(0))
    text = CLIPText(configuration.text, key: key.fork(1))
    func projection(_ inputs: Int, _ key: RandomKey) -> Linear {
      Linear(
        inputs: inputs, outputs: configuration.width, hasBias: false, isInputFirst: true, key: key)
    }
    pictureProjection = projection(configuration.vision.stages.last!.width, key.fork(2))
    textProjection = projection(configuration.text.width, key.fork(3))
    logScale = Tensor(configuration.logScale)
    text.initialize(key.fork(4)) { ViT.initializer($0) }
    let initializer = Initializer.truncatedNormal(deviation: 0.02)
    pictureProjection.initialize(key.fork(5)) { _ in initializer }
    textProjection.initialize(key.fork(6)) { _ in initializer }
  }

  /// Vectors of length 1 of pictures [batch, height, width, channels]: [batch, width].
  public func directions(pictures: Tensor, _ phase: Phase) -> Tensor {
    pictureProjection(vision(pictures, phase)).direction
  }

  /// Vectors of length 1 of texts, as `CLIPText.states` takes them: [batch, width].
  public func directions(texts ids: Tensor, mask: Tensor? = nil, _ phase: Phase) -> Tensor {
    textProjection(text.pooled(text.states(ids, mask: mask, phase), ids)).direction
  }

  /// How well every picture fits every text: [pictures, texts].
  public func logits(pictures: Tensor, texts: Tensor) -> Tensor {
    matrixProduct(pictures, texts.transposed()) * logScale.exp()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("vision", &vision)
    visitor("text", &text)
    visitor("image_projection", &pictureProjection)
    visitor("text_projection", &textProjection)
    visitor("logit_scale", &logScale)
    visitor.fixed("configuration", configuration)
  }
}

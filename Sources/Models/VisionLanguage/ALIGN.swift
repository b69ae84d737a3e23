public import Layers
public import Tensors

/// Sizes of ALIGN.
public struct ALIGNConfiguration: Codable, Hashable, Sendable {
  /// Without last convolution and classifier: its last blocks' channels are the width of the space that both share.
  public var vision: EfficientNetConfiguration
  public var text: BERTConfiguration
  /// What cosines are divided by, at first.
  public var temperature = 1.0

  public init(vision: EfficientNetConfiguration, text: BERTConfiguration) {
    (self.vision, self.text) = (vision, text)
    (self.vision.head, self.vision.classes) = (0, 0)
    self.text.head = .none
  }
}

/// ALIGN (Jia et al., arXiv:2102.05918): an EfficientNet and a BERT, whose vectors of a picture and of a text that belong
/// together point the same way.
public struct ALIGN: Module {
  public var vision: EfficientNet
  public var text: BERT
  public var textProjection: Linear
  /// What cosines are divided by: shape [].
  public var temperature: Tensor
  public let configuration: ALIGNConfiguration

  public init(_ configuration: ALIGNConfiguration, key: RandomKey) {
    self.configuration = configuration
    vision = EfficientNet(configuration.vision, key: key.fork(0))
    // As in the published code, these norms alone keep PyTorch's momentum.
    for i in vision.stages.indices {
      for j in vision.stages[i].indices { vision.stages[i][j].expand?.norm.momentum = 0.1 }
    }
    text = BERT(configuration.text, key: key.fork(1))
    let width = configuration.text.stack.width
    textProjection = Linear(
      weight: Initializer.normal(deviation: 0.02)(
        [configuration.vision.features, width], key.fork(2)),
      bias: .zeros([configuration.vision.features]))
    temperature = Tensor(configuration.temperature)
  }

  /// How well every text fits every picture, [texts, pictures], by their vectors [count, width].
  public func logits(texts: Tensor, pictures: Tensor) -> Tensor {
    matrixProduct(texts, pictures.transposed()) / temperature
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("vision", &vision)
    visitor("text", &text)
    visitor("text_projection", &textProjection)
    visitor("temperature", &temperature)
    visitor.fixed("temperature", configuration.temperature)
  }
}

public import Layers
internal import Models
public import Tensors

/// A network that learns small pictures from scratch within minutes.
struct SmallNetwork: Sendable {
  /// A network without its weights: how it is called, and what it is made of.
  private typealias Make =
    @Sendable (_ sizes: Sizes, _ key: RandomKey) -> (any Layer, any Encodable & Sendable)

  struct Sizes: Sendable {
    /// Height and width of the pictures.
    let picture: Int
    let channels: Int
    let classes: Int
  }

  let name: String
  /// Height and width of the pictures that it sees unless the user says otherwise.
  let picture: Int
  /// The least pixels of which something is left, and what their number is a multiple of.
  private let least: Int
  private let multiple: Int
  private let make: Make

  private init(
    _ name: String, picture: Int = 28, least: Int = 8, multiple: Int = 1, _ make: @escaping Make
  ) {
    (self.name, self.picture, self.make) = (name, picture, make)
    (self.least, self.multiple) = (least, multiple)
  }

  /// Whether pictures have a size that the network can see.
  func accepts(_ edge: Int) -> Bool { edge >= least && edge % multiple == 0 }

  func callAsFunction(_ sizes: Sizes, _ key: RandomKey) -> SmallClassifier {
    let (layer, configuration) = make(sizes, key)
    return SmallClassifier(layer: layer, configuration: configuration)
  }

  static func named(_ name: String) -> SmallNetwork? { all.first { $0.name == name } }

  static let all: [SmallNetwork] = [
    SmallNetwork("alexnet", least: 15) { sizes, key in
      typealias Stage = AlexNetConfiguration.Stage
      var network = AlexNetConfiguration(stages: [
        Stage(48, kernel: 5, padding: 2, pools: true),
        Stage(96, kernel: 5, padding: 2, pools: true),
        Stage(128, kernel: 3, padding: 1), Stage(96, kernel: 3, padding: 1),
        Stage(96, kernel: 3, padding: 1, pools: true),
      ])
      (network.bins, network.hidden) = (2, 256)
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (AlexNet(network, key: key), network)
    },
    SmallNetwork("googlenet", picture: 56, least: 32) { sizes, key in
      typealias Block = GoogLeNetConfiguration.Block
      var network = GoogLeNetConfiguration(stages: [
        [Block(24, (16, 32), (8, 12), 12), Block(32, (24, 48), (8, 16), 16)],
        [Block(48, (32, 64), (8, 24), 24)],
      ])
      (network.stem, network.auxiliary) = ([32, 32, 64], [])
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (GoogLeNet(network, key: key), network)
    },
    SmallNetwork("inception", picture: 75, least: 75) { sizes, key in
      var network = InceptionV3Configuration()
      (network.hasAuxiliary, network.divisor, network.dropout) = (false, 8, 0.2)
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (InceptionV3(network, key: key), network)
    },
    SmallNetwork("resnet") { sizes, key in
      let network = ResNetConfiguration(
        block: .basic, layers: [1, 1, 1], widths: [32, 64, 128],
        stem: .init(channels: 32, kernel: 3, stride: 2, pools: false), inputs: sizes.channels,
        classes: sizes.classes, zeroInitialResiduals: true)
      return (ResNet(network, key: key), network)
    },
    SmallNetwork("densenet", picture: 56, least: 32) { sizes, key in
      var network = DenseNetConfiguration(growth: 12, layers: [6, 6, 6], stem: [24])
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (DenseNet(network, key: key), network)
    },
    SmallNetwork("efficientnet") { sizes, key in
      typealias Row = EfficientNetConfiguration.Row
      var network = EfficientNetConfiguration.scaled(
        .init(),
        rows: [
          Row(1, kernel: 3, stride: 1, 16, layers: 1), Row(4, kernel: 3, stride: 1, 24, layers: 2),
          Row(4, kernel: 5, stride: 2, 40, layers: 2), Row(4, kernel: 3, stride: 2, 80, layers: 2),
        ])
      (network.head, network.stochasticDepth) = (256, 0)
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (EfficientNet(network, key: key), network)
    },
    SmallNetwork("vit", multiple: 4) { sizes, key in
      let network = vit(sizes)
      return (ViT(network, key: key), network)
    },
    SmallNetwork("deit", multiple: 4) { sizes, key in
      var network = vit(sizes)
      network.hasDistillationToken = true
      return (ViT(network, key: key), network)
    },
    SmallNetwork("swin", multiple: 4) { sizes, key in
      var network = SwinConfiguration(width: 48, layers: [2, 2], heads: [3, 6])
      (network.patch, network.stochasticDepth) = ([2, 2], 0)
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (Swin(network, key: key), network)
    },
    SmallNetwork("cait", multiple: 4) { sizes, key in
      var network = CaiTConfiguration(
        image: sizes.picture, width: 96, layers: 4, heads: 4, layerScale: 0.1)
      (network.patch, network.inner, network.classInner) = ([4, 4], 192, 192)
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (CaiT(network, key: key), network)
    },
    SmallNetwork("t2t-vit", picture: 56, least: 32, multiple: 4) { sizes, key in
      var network = T2TViTConfiguration(
        kind: .performer, width: 96, layers: 4, heads: 3, inner: 192)
      (network.image, network.tokenWidth) = (sizes.picture, 32)
      (network.inputs, network.classes) = (sizes.channels, sizes.classes)
      return (T2TViT(network, key: key), network)
    },
  ]

  private static func vit(_ sizes: Sizes) -> ViTConfiguration {
    var network = ViTConfiguration(
      image: [sizes.picture, sizes.picture], patch: [4, 4], width: 96, layers: 4, heads: 3,
      inner: 192)
    (network.inputs, network.classes) = (sizes.channels, sizes.classes)
    return network
  }
}

/// A classifier of any of the networks.
public struct SmallClassifier: Layer {
  var layer: any Layer
  let configuration: any Encodable & Sendable

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor { layer(x, phase) }

  /// The logits of both tokens, where there is one that learns from a teacher.
  func bothLogits(_ x: Tensor, _ phase: Phase) -> (own: Tensor, distilled: Tensor)? {
    guard let network = layer as? ViT, network.configuration.hasDistillationToken else {
      return nil
    }
    return network.bothLogits(x, phase)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&layer) }
}

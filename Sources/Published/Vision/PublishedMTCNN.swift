public import Layers
public import Models
public import Tensors

/// The three networks of MTCNN that find faces, from `pnet.pt`, `rnet.pt` and `onet.pt` of the package facenet-pytorch.
///
/// Input `x`: pictures [batch, 3, height, width] with values (byte − 127.5) / 128; of 24 x 24 pixels in R-Net, 48 x 48 in
/// O-Net. Outputs: `probabilities` of "no face" and "face", `boxes`, and in O-Net `points`; maps [batch, …, rows, columns]
/// in P-Net.
public struct PublishedMTCNN: PublishedInference {
  public var model: MTCNN
  public let names: WeightNames

  public static let card = ArchitectureCard(
    "MTCNN", family: "vision", layouts: ["facenet-pytorch"],
    source: "Zhang et al., arXiv:1604.02878; github.com/timesler/facenet-pytorch",
    sizes: networks.map { .init($0.name, config($0.architecture)) })

  private static let networks: [(name: String, architecture: String, sizes: MTCNNConfiguration)] = [
    ("pnet", "PNet", .proposal), ("rnet", "RNet", .refinement), ("onet", "ONet", .output),
  ]

  private static func config(_ architecture: String) -> String {
    #"{"library": "facenet-pytorch", "architecture": "\#(architecture)"}"#
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "facenet-pytorch"
      && networks.contains { $0.architecture == configuration.architecture }
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    guard
      let network = Self.networks.first(where: { $0.architecture == configuration.architecture })
    else {
      throw .unknownArchitecture(name: configuration.architecture, file: configuration.file)
    }
    model = MTCNN(network.sizes, key: key)
    names = Self.names(network.sizes)
  }

  /// Layers are numbered one after the other, heads behind them.
  private static func names(_ sizes: MTCNNConfiguration) -> WeightNames {
    var rules: [(String, String)] = []
    for i in sizes.stages.indices {
      rules += [("convolutions.\(i)", "conv\(i + 1)"), ("slopes.\(i)", "prelu\(i + 1).weight")]
    }
    let last = sizes.stages.count + 1
    rules += [("hidden", "dense\(last)"), ("slopes.\(last - 1)", "prelu\(last).weight")]
    for i in sizes.heads.indices {
      rules += [
        ("slidingHeads.\(i)", "conv\(last)_\(i + 1)"), ("heads.\(i)", "dense\(last + 1)_\(i + 1)"),
      ]
    }
    return WeightNames(rules)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError)
    -> [String: Tensor]
  {
    let pictures = try inputs.pictures("x", channels: 3)
    let (height, width, size) = (pictures.shape[1], pictures.shape[2], model.configuration.picture)
    let slides = model.configuration.hidden == nil
    guard slides ? min(height, width) >= size : height == size && width == size else {
      throw .input(
        name: "x",
        problem: "pictures have \(height) x \(width) pixels, not \(slides ? "at least " : "")"
          + "\(size) x \(size)")
    }
    let results = model(pictures)
    var outputs = ["probabilities": results[0].softmax(), "boxes": results[1]]
    if results.count > 2 { outputs["points"] = results[2] }
    return outputs.mapValues(\.channelsLeading)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

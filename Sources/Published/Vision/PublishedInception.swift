public import Layers
public import Models
public import Tensors

/// GoogLeNet in torchvision's layout.
public struct PublishedGoogLeNet: PublishedClassifier {
  public var model: GoogLeNet
  public var names: WeightNames { [:] }
  /// Weights that come with further classifiers fit a network without them.
  public var ignored: [String] { model.auxiliary.isEmpty ? ["aux1", "aux2"] : [] }
  public var channels: Int { model.configuration.inputs }
  /// Four times halved, and the last but one maximum needs two pixels.
  public var smallestPicture: Int { 15 }

  public static let card = ArchitectureCard(
    "GoogLeNet", family: "vision", layouts: ["torchvision"],
    source: "Szegedy et al. 2014, arXiv:1409.4842",
    sizes: [.init("googlenet", #"{"library": "torchvision", "architecture": "googlenet"}"#)])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "torchvision"
      && ["googlenet", "GoogLeNet"].contains(configuration.architecture)
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: [
      "num_classes", "aux_logits", "transform_input", "dropout", "dropout_aux",
    ])
    var sizes = GoogLeNetConfiguration.googLeNet
    if try !arguments.bool("aux_logits", default: true) { sizes.auxiliary = [] }
    sizes.transformsInput = try arguments.bool("transform_input", default: false)
    sizes.dropout = try arguments.rate("dropout", default: 0.2)
    sizes.auxiliaryDropout = try arguments.rate("dropout_aux", default: 0.7)
    sizes.classes = try configuration.classes(atLeast: 1)
    model = GoogLeNet(sizes, key: key)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let pictures = try pictures(inputs)
    var copy = model
    return recorded {
      let run = copy.outputs(pictures, phase)
      var outputs = ["logits": run.logits]
      for (i, logits) in run.auxiliary.enumerated() { outputs["aux_logits\(i + 1)"] = logits }
      return outputs
    }
  }

  /// In training the further classifiers count three tenths (section 5 of the paper).
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let pictures = try pictures(inputs)
    return auxiliaryCrossEntropy(
      model.outputs(pictures, phase), try inputs.labels(of: pictures), weight: 0.3)
  }
}

/// Inception v3 in torchvision's layout.
public struct PublishedInceptionV3: PublishedClassifier {
  public var model: InceptionV3
  public var names: WeightNames { [:] }
  /// Weights that come with a further classifier fit a network without it.
  public var ignored: [String] { model.auxiliary == nil ? ["AuxLogits"] : [] }
  public var channels: Int { model.configuration.inputs }
  public var smallestPicture: Int { 75 }

  public static let card = ArchitectureCard(
    "Inception v3", family: "vision", layouts: ["torchvision"],
    source: "Szegedy et al. 2015, arXiv:1512.00567",
    sizes: [
      .init(
        "inception_v3",
        #"{"library": "torchvision", "architecture": "inception_v3", "#
          + #""pretrained_cfg": {"input_size": [3, 299, 299]}}"#)
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "torchvision"
      && ["inception_v3", "Inception3"].contains(configuration.architecture)
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: ["num_classes", "aux_logits", "transform_input", "dropout"])
    var sizes = InceptionV3Configuration()
    sizes.hasAuxiliary = try arguments.bool("aux_logits", default: true)
    sizes.transformsInput = try arguments.bool("transform_input", default: false)
    sizes.dropout = try arguments.rate("dropout", default: 0.5)
    sizes.classes = try configuration.classes(atLeast: 1)
    model = InceptionV3(sizes, key: key)
  }

  /// The further classifier, which acts in training, needs maps of 17 x 17 pixels.
  private func pictures(_ inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor {
    let pictures = try pictures(inputs)
    let size = min(pictures.shape[1], pictures.shape[2])
    guard !phase.isTraining || model.auxiliary == nil || size >= 299 else {
      throw .input(
        name: "x",
        problem:
          "pictures have \(size) pixels, but training with the auxiliary classifier needs 299"
      )
    }
    return pictures
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let pictures = try pictures(inputs, phase)
    var copy = model
    return recorded {
      let run = copy.outputs(pictures, phase)
      return ["logits": run.logits].merging(run.auxiliary.map { ("aux_logits", $0) }) { $1 }
    }
  }

  /// In training the further classifier counts four tenths.
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let pictures = try pictures(inputs, phase)
    return auxiliaryCrossEntropy(
      model.outputs(pictures, phase), try inputs.labels(of: pictures), weight: 0.4)
  }
}

/// The cross entropy of a network and, by a weight, those of classifiers at its sides.
private func auxiliaryCrossEntropy(
  _ outputs: (logits: Tensor, auxiliary: [Tensor]), _ labels: Tensor, weight: Double
) -> Tensor {
  outputs.auxiliary.reduce(crossEntropy(outputs.logits, labels)) {
    $0 + crossEntropy($1, labels) * weight
  }
}

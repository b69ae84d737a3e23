internal import Documents
public import Layers
public import Tensors

/// A network that says which class a picture shows: what the bridges of torchvision's and timm's networks share.
public protocol PublishedClassifier: PublishedModel {
  associatedtype Network: Layer
  /// The network, called with pictures [batch, height, width, channels].
  var model: Network { get set }
  /// Channels of the pictures.
  var channels: Int { get }
  /// Height and width of the smallest picture of which something is left at the end.
  var smallestPicture: Int { get }
}

extension PublishedClassifier {
  public var smallestPicture: Int { 1 }

  /// The pictures as networks take them.
  func pictures(_ inputs: ModelInputs) throws(PublishedError) -> Tensor {
    let pictures = try inputs.pictures("x", channels: channels)
    guard min(pictures.shape[1], pictures.shape[2]) >= smallestPicture, pictures.shape[0] > 0 else {
      throw .input(
        name: "x",
        problem: "its shape is \(inputs["x"]!.shape), but pictures have at least "
          + "\(smallestPicture) x \(smallestPicture) pixels")
    }
    if let pictureSize, pictureSize != Array(pictures.shape[1...2]) {
      throw .input(
        name: "x",
        problem: "its shape is \(inputs["x"]!.shape), but pictures have \(pictureSize[0]) x "
          + "\(pictureSize[1]) pixels")
    }
    return pictures
  }

  /// What `run` returns, by name, and all values recorded in it, maps with channels first.
  func recorded(_ run: () -> [String: Tensor]) -> [String: Tensor] {
    let names = names
    var (outputs, inner) = Recording.of(run)
    for (name, value) in inner {
      outputs[names(name)] = value.rank == 4 ? value.channelsLeading : value
    }
    // torchvision pools to maps of one pixel.
    if let pooled = outputs["avgpool"], pooled.rank == 2 {
      outputs["avgpool"] = pooled.expanded(-1).expanded(-1)
    }
    return outputs
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let pictures = try pictures(inputs)
    var copy = model
    return recorded { ["logits": copy(pictures, phase)] }
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let pictures = try pictures(inputs)
    return try classLoss(model(pictures, phase), inputs.labels(of: pictures))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

/// The cross entropy of the pictures' logits.
func classLoss(_ logits: Tensor, _ labels: Tensor) throws(PublishedError) -> Tensor {
  guard logits.rank == 2 else {
    throw .input(name: "labels", problem: "every token has an output, and no picture one")
  }
  return crossEntropy(logits, labels)
}

extension ModelInputs {
  /// The class of every picture.
  func labels(of pictures: Tensor) throws(PublishedError) -> Tensor {
    let labels = try self("labels", rank: 1)
    guard labels.shape[0] == pictures.shape[0] else {
      throw .input(
        name: "labels", problem: "there are \(labels.shape[0]) for \(pictures.shape[0]) pictures")
    }
    return labels
  }
}

// MARK: - Arguments that many constructors have

/// More channels than any network has; products of three such numbers are still numbers.
let widest = 1 << 16

extension ModelConfiguration {
  /// Arguments that change nothing in the numbers.
  private static let harmless: Set<String> = [
    "pretrained", "weights", "progress", "init_weights", "memory_efficient", "scriptable",
    "exportable", "features_only", "checkpoint_path", "pretrained_strict",
  ]

  /// Refuses arguments of other names, which would change the network unseen. False and null choose what there is.
  func refuseOthers(than known: Set<String>) throws(PublishedError) {
    for member in values.members ?? [] where !known.contains(member.name) && has(member.name) {
      try require(
        Self.harmless.contains(member.name), member.name, "is an argument that is not supported",
        "leave it out; known are \(known.sorted().joined(separator: ", "))")
    }
    try require(
      try !bool("features_only", default: false), "features_only", "is true",
      "only whole classifiers are read")
  }

  /// A probability of leaving something out.
  func rate(_ name: String, default value: Double = 0) throws(PublishedError) -> Double {
    let rate = try real(name, default: value)
    try require(0 <= rate && rate < 1, name, "is \(rate)", "it must be at least 0 and below 1")
    return rate
  }

  /// A positive number.
  func positive(_ name: String, default value: Double) throws(PublishedError) -> Double {
    let number = try real(name, default: value)
    try require(0 < number && number < 100, name, "is \(number)", "it must lie between 0 and 100")
    return number
  }

  func activation(_ name: String, default value: Activation) throws(PublishedError) -> Activation {
    guard has(name) else { return value }
    let text = try text(name)
    guard let activation = Activation(text.lowercased()) else {
      throw .configuration(
        file: file, problem: "\"\(name)\" is \"\(text)\"",
        mend: "it must be one such as \"relu\", \"silu\" or \"gelu\"")
    }
    return activation
  }

  /// The classes of a whole file: as an argument, beside the arguments, or among what pretrained weights were made for.
  /// - Parameter least: 0 where a network without classifier gives its features.
  func classes(atLeast least: Int = 0) throws(PublishedError) -> Int {
    let weights = try part("pretrained_cfg", isOptional: true)
    let classes = try arguments.integer(
      "num_classes",
      default: try integer(
        "num_classes", default: try weights.integer("num_classes", default: 1000)))
    try require(
      classes >= least && classes < 1 << 28, "num_classes", "is \(classes)",
      "it must be at least \(least) and below 2^28")
    return classes
  }

  /// The channels of the pictures of a whole file of timm.
  func pictureChannels() throws(PublishedError) -> Int {
    let size = try part("pretrained_cfg", isOptional: true).sizes("input_size", default: [3])
    return try arguments.size(
      "in_chans", default: try self.size("in_chans", default: size.first ?? 3), atMost: widest)
  }

  /// What the classifier of a whole file of timm sees.
  func globalPooling() throws(PublishedError) -> GlobalPooling {
    let name = try arguments.text(
      "global_pool", default: try text("global_pool", default: "avg"))
    let plain = name == "fast" ? "avg" : name.replacing("fast", with: "")
    guard let pooling = GlobalPooling(rawValue: plain) else {
      throw .configuration(
        file: file, problem: "\"global_pool\" is \"\(name)\"",
        mend: "it must be \"avg\", \"max\", \"avgmax\" or \"catavgmax\"")
    }
    return pooling
  }

  /// Refuses other norms than those of batches.
  func requireBatchNorm() throws(PublishedError) {
    let name = try text("norm_layer", default: "batchnorm2d").lowercased()
    try require(
      ["batchnorm", "batchnorm2d"].contains(name), "norm_layer", "is \"\(name)\"",
      "only \"batchnorm2d\" is supported")
  }
}

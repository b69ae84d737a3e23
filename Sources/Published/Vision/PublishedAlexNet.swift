public import Models
public import Tensors

/// AlexNet of one column in torchvision's layout.
public struct PublishedAlexNet: PublishedClassifier {
  public var model: AlexNet
  public let names: WeightNames
  public var channels: Int { model.configuration.inputs }
  public var smallestPicture: Int { model.configuration.smallestPicture }

  public static let card = ArchitectureCard(
    "AlexNet", family: "vision", layouts: ["torchvision"],
    source: "Krizhevsky et al. 2012; one column: Krizhevsky, arXiv:1404.5997",
    sizes: [.init("alexnet", #"{"library": "torchvision", "architecture": "alexnet"}"#)])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "torchvision"
      && ["alexnet", "AlexNet"].contains(configuration.architecture)
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: ["num_classes", "dropout"])
    var sizes = AlexNetConfiguration.oneColumn
    sizes.dropout = try arguments.rate("dropout", default: 0.5)
    sizes.classes = try configuration.classes(atLeast: 1)
    model = AlexNet(sizes, key: key)
    names = Self.names(sizes)
  }

  /// Convolution, ReLU and maximum are numbered one after the other.
  private static func names(_ sizes: AlexNetConfiguration) -> WeightNames {
    var rules: [(String, String)] = []
    var place = 0
    for (i, stage) in sizes.stages.enumerated() {
      rules += [
        ("convolutions.\(i)", "features.\(place)"), ("relu.\(i)", "features.\(place + 1)"),
        ("pool.\(i)", "features.\(place + 2)"),
      ]
      place += stage.pools ? 3 : 2
    }
    return WeightNames(
      rules + [
        ("map", "features"), ("linears.0", "classifier.1"), ("linears.1", "classifier.4"),
        ("linears.2", "classifier.6"), ("hidden.0", "classifier.2"),
        ("hidden.1", "classifier.5"),
      ])
  }
}

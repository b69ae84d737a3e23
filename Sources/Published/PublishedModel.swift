public import Layers
public import Tensors

/// A network as a folder of published weights describes it: which configurations it reads, what its tensors are called
/// there, what goes in and comes out under the library's names.
///
/// Networks themselves know nothing of it; a type of this kind is the bridge between one of them and one or several
/// libraries' layouts, and belongs in a file of its own in this target.
public protocol PublishedModel: Module {
  /// What stands in `apus models`.
  static var card: ArchitectureCard { get }
  /// Whether a `config.json` is one of this model.
  static func reads(_ configuration: ModelConfiguration) -> Bool

  /// Builds the network.
  /// - Throws: where no network can be built from the configuration.
  init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError)

  /// The file's names of the tensors and of inner values.
  var names: WeightNames { get }
  /// The beginning of names that some files leave out, such as `transformer.`.
  var optionalPrefix: String { get }
  /// Names of older files, by the file's names: where a file has one of them, it counts.
  var olderNames: WeightNames { get }
  /// Patterns of `WeightNames` for tensors that files may hold and no network needs, such as masks.
  var ignored: [String] { get }

  /// Height and width of all pictures, where only one size fits; nil where there is a choice, or there are no pictures.
  var pictureSize: [Int]? { get }

  /// Everything that comes out, by the library's names, images as [batch, channels, height, width]. Values recorded inside
  /// need not be among them.
  func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String: Tensor]
  /// The library's own loss, a number; changes running statistics in training.
  mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
}

extension PublishedModel {
  public var optionalPrefix: String { "" }
  public var olderNames: WeightNames { [:] }
  public var ignored: [String] { [] }
  public var pictureSize: [Int]? { nil }
}

/// A network whose library runs it and gives it no loss.
public protocol PublishedInference: PublishedModel {}

extension PublishedInference {
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    throw .input(name: "labels", problem: "\(Self.card.name) has no published loss")
  }
}

/// One line of `apus models`.
public struct ArchitectureCard: Sendable {
  /// Such as "GPT-2".
  public let name: String
  /// Such as "language".
  public let family: String
  /// The libraries whose files are read.
  public let layouts: [String]
  /// The paper.
  public let source: String
  /// Published sizes, as a `config.json` each.
  public let sizes: [Size]

  public struct Size: Sendable {
    public let name: String
    /// The text of a `config.json`.
    public let configuration: String

    public init(_ name: String, _ configuration: String) {
      (self.name, self.configuration) = (name, configuration)
    }
  }

  public init(
    _ name: String, family: String, layouts: [String], source: String, sizes: [Size] = []
  ) {
    (self.name, self.family, self.layouts, self.source) = (name, family, layouts, source)
    self.sizes = sizes
  }
}

/// What goes into a published network, by the library's names.
public struct ModelInputs: Sendable {
  public let tensors: [String: Tensor]

  public init(_ tensors: [String: Tensor]) { self.tensors = tensors }

  public subscript(name: String) -> Tensor? { tensors[name] }

  /// The input of this name.
  public func callAsFunction(_ name: String, rank: Int? = nil) throws(PublishedError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw .input(name: name, problem: "it is missing")
    }
    if let rank, tensor.rank != rank {
      throw .input(name: name, problem: "its shape is \(tensor.shape), not of \(rank) axes")
    }
    return tensor
  }

  /// Pictures [batch, channels, height, width] as [batch, height, width, channels].
  public func pictures(_ name: String, channels: Int? = nil) throws(PublishedError) -> Tensor {
    let tensor = try self(name, rank: 4)
    if let channels, tensor.shape[1] != channels {
      throw .input(
        name: name, problem: "its shape is \(tensor.shape), but pictures have \(channels) channels")
    }
    return tensor.transposed([0, 2, 3, 1])
  }
}

extension Tensor {
  /// [batch, …, channels] as [batch, channels, …], as PyTorch keeps pictures; any other rank unchanged.
  public var channelsLeading: Tensor {
    rank < 3 ? self : transposed([0, rank - 1] + Array(1..<(rank - 1)))
  }
}

extension PublishedModel {
  /// The trained numbers of a published size. Nothing is drawn or stored for it.
  public static func parameterCount(of size: ArchitectureCard.Size) throws(PublishedError) -> Int {
    let configuration = try ModelConfiguration(parsing: size.configuration, file: size.name)
    return try Self(configuration, key: RandomKey(seed: 0)).parameterCount
  }
}

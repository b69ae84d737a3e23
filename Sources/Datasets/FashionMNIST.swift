internal import CEmbedded

/// 70,000 gray pictures of clothes, 28x28 pixels, ten classes (Xiao, Rasul and Vollgraf 2017).
public struct FashionMNIST: Sendable {
  /// 60,000 pictures (embedded: 10,000). Choose settings by the last twelfth, never by the test.
  public let train: LabeledPictures
  /// 10,000 pictures (embedded: 1,000), for one report at the end.
  public let test: LabeledPictures
  public let source: DataSource

  /// The names of the classes, in the order of the labels.
  public static let classNames = [
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
    "ankle boot",
  ]

  /// The training pictures without the last twelfth: 55,000.
  public var fitting: LabeledPictures { train[0..<train.count - train.count / 12] }
  /// The last twelfth of the training pictures, for the choice of settings: 5,000.
  public var tuning: LabeledPictures { train[train.count - train.count / 12..<train.count] }

  /// Reads the four files, or else, if allowed, takes the part inside the program.
  /// - Throws: `DatasetError.missing`, or `.damaged` with the file at fault.
  public init(
    in places: DataPlaces = .standard, orEmbedded: Bool = true
  ) throws(DatasetError) {
    let entry = DatasetEntry.fashionMNIST
    let folder: String
    do {
      folder = try entry.folders(in: places)[0]
    } catch {
      guard orEmbedded else { throw error }
      try self.init(embeddedBecause: entry)
      return
    }
    func pictures(_ part: String) throws(DatasetError) -> LabeledPictures {
      let images = folder + "/\(part)-images-idx3-ubyte.gz"
      let labels = folder + "/\(part)-labels-idx1-ubyte.gz"
      return try LabeledPictures(
        images: (contents(of: images), images), labels: (contents(of: labels), labels),
        classNames: Self.classNames)
    }
    try self.init(
      train: pictures("train"), test: pictures("t10k"), source: .files(folder: folder))
  }

  private init(train: LabeledPictures, test: LabeledPictures, source: DataSource) {
    (self.train, self.test, self.source) = (train, test, source)
  }

  private init(embeddedBecause entry: DatasetEntry) throws(DatasetError) {
    let source = "embedded Fashion-MNIST"
    try self.init(
      train: LabeledPictures(
        images: (unsafe embedded(apus_fashion_mnist_train_images()), source),
        labels: (unsafe embedded(apus_fashion_mnist_train_labels()), source),
        classNames: Self.classNames),
      test: LabeledPictures(
        images: (unsafe embedded(apus_fashion_mnist_test_images()), source),
        labels: (unsafe embedded(apus_fashion_mnist_test_labels()), source),
        classNames: Self.classNames),
      source: .embedded(
        note: "the 11,000 pictures of Fashion-MNIST that come with Apus; all 70,000: "
          + entry.howToGet))
  }
}

/// A copy of bytes inside the program.
func embedded(_ data: apus_bytes) -> [UInt8] {
  unsafe Array(UnsafeBufferPointer(start: data.bytes, count: data.count))
}

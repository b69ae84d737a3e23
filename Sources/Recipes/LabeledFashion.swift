public import Datasets
public import Layers
public import Tensors
public import Training

/// Pictures of clothes with their classes; batches are pairs of grey levels 0 … 255, uint8 [batch, 28, 28, 1], and
/// classes, int32 [batch].
public struct LabeledFashion: Dataset {
  private let labels: [Int]
  let pictures: FashionPictures
  let classNames: [String]

  public init(_ pictures: LabeledPictures) {
    labels = pictures.labels
    classNames = pictures.classNames
    self.pictures = FashionPictures(pictures)
  }

  public var count: Int { labels.count }

  public func batch(_ indices: [Int]) -> Pair<Tensor, Tensor> {
    Pair(pictures.batch(indices), Tensor(indices.map { Int32(labels[$0]) }))
  }
}

extension DataSplit where Data == LabeledFashion {
  /// Training pictures without those that measurements during the training are made on, and the test pictures.
  public static func fashionMNIST() throws -> Self {
    let data = try FashionMNIST()
    return DataSplit(
      training: LabeledFashion(data.fitting), heldOut: LabeledFashion(data.tuning),
      heldOutName: tuningPictures, test: LabeledFashion(data.test), testName: testPictures)
  }
}

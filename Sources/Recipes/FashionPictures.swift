public import Datasets
public import Layers
internal import Reports
public import Tensors
public import Training

/// Pictures of clothes without their labels; batches are grey levels 0 … 255, uint8 [batch, 28, 28, 1].
public struct FashionPictures: Dataset {
  private let pictures: LabeledPictures

  public init(_ pictures: LabeledPictures) { self.pictures = pictures }

  public var count: Int { pictures.count }

  public func batch(_ indices: [Int]) -> Tensor {
    let size = pictures.pictureSize
    var bytes: [UInt8] = []
    bytes.reserveCapacity(indices.count * size)
    for i in indices { bytes += pictures.pixels[i * size..<(i + 1) * size] }
    return Tensor(
      bytes, shape: [indices.count, pictures.height, pictures.width, pictures.channels])
  }

  /// The first pictures, evenly spread over the data where `spread` is larger than 1.
  func first(_ count: Int, spread: Int = 1) -> Tensor {
    batch(Array(stride(from: 0, to: min(count * spread, self.count), by: spread)))
  }

  /// How often each pixel of 10,000 pictures is white, [pixels]: what a machine knows without hidden units.
  var whiteness: Tensor {
    first(10_000).binarized().flattened(1..<4).mean([0]).clipped(to: 0.001...0.999)
  }
}

extension DataSplit where Data == FashionPictures {
  /// Training pictures without those that measurements during the training are made on, and the test pictures.
  /// - Parameters:
  ///   - tuning: the most pictures that measurements during the training are made on.
  ///   - test: the most pictures that the last one is made on.
  public static func fashionMNIST(tuning: Int = .max, test: Int = .max) throws -> Self {
    let data = try FashionMNIST()
    return DataSplit(
      training: FashionPictures(data.fitting),
      heldOut: FashionPictures(data.tuning[0..<min(tuning, data.tuning.count)]),
      heldOutName: tuningPictures, test: FashionPictures(data.test[0..<min(test, data.test.count)]),
      testName: testPictures)
  }
}

/// What metrics call their data.
let tuningPictures = "tuning pictures"
let testPictures = "test pictures"

/// The data whose likelihoods may be compared, as metrics name them.
enum PixelGroup {
  /// 8-bit pixels.
  static let grey = "fashion-mnist"
  /// Pixels above 127 are 1, the others 0.
  static let binary = "fashion-mnist-binary"
}

extension Tensor {
  /// Pixels of 8 bits, uint8, as 0 and 1.
  func binarized() -> Tensor { cast(to: .float32).greater(than: 127).cast(to: .float32) }
}

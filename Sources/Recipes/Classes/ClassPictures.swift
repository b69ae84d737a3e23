internal import Datasets
internal import Foundation
internal import Images
public import Layers
internal import Published
public import Tensors
public import Training

/// Pictures with their classes, ready for a network.
public struct ClassPictures: Sendable {
  let classNames: [String]
  let labels: [Int]
  let preparation: PicturePreparation
  private let picture: @Sendable (Int) -> Image
  /// All of them, where they are few.
  private var prepared: [[UInt8]] = []

  /// More bytes than these are made anew for every batch.
  private static let keptBytes = 1 << 28

  public var count: Int { labels.count }

  init(
    _ labels: [Int], _ classNames: [String], _ preparation: PicturePreparation,
    _ picture: @escaping @Sendable (Int) -> Image
  ) {
    (self.labels, self.classNames, self.preparation) = (labels, classNames, preparation)
    self.picture = picture
    let size = preparation.size[0] * preparation.size[1] * preparation.channels
    if labels.count * size <= Self.keptBytes { prepared = labels.indices.map(bytes) }
  }

  init(_ pictures: LabeledPictures, _ preparation: PicturePreparation) {
    self.init(pictures.labels, pictures.classNames, preparation) { pictures[$0] }
  }

  /// Those of some places, under the same names.
  private init(
    _ pictures: LabeledPictures, _ places: [Int], _ preparation: PicturePreparation
  ) {
    self.init(places.map { pictures.labels[$0] }, pictures.classNames, preparation) {
      pictures[places[$0]]
    }
  }

  private func bytes(_ index: Int) -> [UInt8] { preparation(picture(index)) }

  /// Levels, uint8 [batch, height, width, channels].
  func levels(_ indices: [Int]) -> Tensor {
    Tensor(
      indices.flatMap { prepared.isEmpty ? bytes($0) : prepared[$0] },
      shape: [indices.count] + preparation.size + [preparation.channels])
  }

  /// int32, [batch].
  func labels(_ indices: [Int]) -> Tensor { Tensor(indices.map { Int32(labels[$0]) }) }

  // MARK: By name

  /// An emoji's class is a keyword that so many share.
  private static let emojiOfClass = 20

  /// Named pictures, or a folder with a folder of pictures for each class; where it has the folders `train` and `val` or
  /// `test`, these are its parts, else every tenth picture is held out.
  static func split(_ data: String, _ preparation: PicturePreparation) throws
    -> DataSplit<ClassPictures>
  {
    switch data {
    case "fashion-mnist", "fashion":
      let fashion = try FashionMNIST()
      return DataSplit(
        training: Self(fashion.fitting, preparation), heldOut: Self(fashion.tuning, preparation),
        heldOutName: tuningPictures, test: Self(fashion.test, preparation), testName: testPictures)
    case "emoji":
      // The largest size is that of the font itself.
      let emoji = try EmojiPictures(size: 136)
      let (names, labels) = emoji.classes(ofAtLeast: emojiOfClass)
      func part(heldOut: Bool) -> ClassPictures {
        let places = labels.indices.filter {
          labels[$0] != nil && emoji.entries[$0].isHeldOut == heldOut
        }
        let entries = places.map { emoji.entries[$0].picture }
        return Self(places.map { labels[$0]! }, names, preparation) { entries[$0] }
      }
      return DataSplit(
        training: part(heldOut: false), heldOut: part(heldOut: true),
        heldOutName: "held-out pictures")
    default: return try folder(data, preparation)
    }
  }

  private static func folder(_ path: String, _ preparation: PicturePreparation) throws
    -> DataSplit<ClassPictures>
  {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let edge = preparation.shorterEdge ?? preparation.size.max()!
    func pictures(_ folder: String) throws -> LabeledPictures {
      try ImageFolder.pictures(in: folder, size: edge, channels: preparation.channels)
    }
    let held = ["val", "validation", "test"].map { "\(path)/\($0)" }.first {
      FileManager.default.fileExists(atPath: $0)
    }
    if let held, FileManager.default.fileExists(atPath: path + "/train") {
      let (training, heldOut) = (try pictures(path + "/train"), try pictures(held))
      guard training.classNames == heldOut.classNames else {
        throw DatasetError.argument(
          reason: "\(held) has the classes \(heldOut.classNames.joined(separator: ", ")), but "
            + "\(path)/train has \(training.classNames.joined(separator: ", ")); name them alike")
      }
      return DataSplit(
        training: Self(training, preparation), heldOut: Self(heldOut, preparation),
        heldOutName: "held-out pictures")
    }
    let all = try pictures(path)
    guard all.classNames.count > 1, all.count >= 20 else {
      throw DatasetError.argument(
        reason: "\(path) has \(all.count) pictures of \(all.classNames.count) class; put at least "
          + "20 into a folder for each class")
    }
    func part(heldOut: Bool) -> ClassPictures {
      Self(all, (0..<all.count).filter { ($0 % 10 == 9) == heldOut }, preparation)
    }
    return DataSplit(
      training: part(heldOut: false), heldOut: part(heldOut: true),
      heldOutName: "held-out pictures")
  }
}

extension ClassPictures: Dataset {
  /// Levels and classes.
  public func batch(_ indices: [Int]) -> Pair<Tensor, Tensor> {
    Pair(levels(indices), labels(indices))
  }
}

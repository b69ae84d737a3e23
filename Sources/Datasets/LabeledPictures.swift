public import Images

/// Pictures of one size, each of one class.
public struct LabeledPictures: Equatable, Sendable {
  public let width, height, channels: Int
  /// The samples of all pictures: [count, height, width, channels].
  public let pixels: [UInt8]
  /// The class of each picture, an index into `classNames`.
  public let labels: [Int]
  public let classNames: [String]

  init(
    width: Int, height: Int, channels: Int, pixels: [UInt8], labels: [Int], classNames: [String]
  ) {
    (self.width, self.height, self.channels) = (width, height, channels)
    (self.pixels, self.labels, self.classNames) = (pixels, labels, classNames)
  }

  /// The number of pictures.
  public var count: Int { labels.count }

  /// The number of samples in a picture.
  public var pictureSize: Int { width * height * channels }

  /// One picture.
  public subscript(index: Int) -> Image {
    Image(
      width: width, height: height, channels: channels,
      pixels: Array(pixels[index * pictureSize..<(index + 1) * pictureSize]))
  }

  /// The pictures of a range.
  public subscript(range: Range<Int>) -> LabeledPictures {
    LabeledPictures(
      width: width, height: height, channels: channels,
      pixels: Array(pixels[range.lowerBound * pictureSize..<range.upperBound * pictureSize]),
      labels: Array(labels[range]), classNames: classNames)
  }

  /// How many pictures each class has.
  public var countsPerClass: [Int] {
    var counts = [Int](repeating: 0, count: classNames.count)
    for label in labels { counts[label] += 1 }
    return counts
  }
}

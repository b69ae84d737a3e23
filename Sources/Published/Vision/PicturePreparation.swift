internal import Documents
internal import Foundation
public import Images
public import Tensors

/// How pictures become what a network takes: as `preprocessor_config.json` says (transformers), else `pretrained_cfg`
/// (timm), else `config.json`.
public struct PicturePreparation: Hashable, Sendable {
  /// Height and width of what goes in.
  public var size: [Int]
  /// The shorter edge before the middle of `size` is cut out; nil: pictures are resized to `size` itself.
  public var shorterEdge: Int?
  public var filter = ResizeFilter.bicubic
  /// Of the pictures: 3, or 1 for shades of grey.
  public var channels = 3
  /// Of each channel, for levels 0 … 1.
  public var mean = [0.485, 0.456, 0.406]
  public var deviation = [0.229, 0.224, 0.225]

  /// For square pictures with levels that become −1 … 1.
  public init(size: Int, channels: Int) {
    (self.size, self.channels) = ([size, size], channels)
    (mean, deviation) = ([Double](repeating: 0.5, count: channels), [0.5])
    repeatForChannels()
  }

  /// Of a network whose configuration stands alone.
  public init(_ configuration: ModelConfiguration) throws(PublishedError) {
    let arguments = try configuration.arguments
    let weights = try configuration.part("pretrained_cfg", isOptional: true)
    let trained = try weights.sizes("input_size", default: [3, 224, 224])
    try weights.require(
      trained.count == 3, "input_size", "is \(trained)", "give channels, height and width")
    channels = try arguments.size(
      "in_chans",
      default: try configuration.size(
        "in_chans", default: try configuration.size("num_channels", default: trained[0])))
    let named = try configuration.pair("image_size", default: trained[1], trained[2])
    size = try arguments.pair(
      "img_size", default: try arguments.pair("image_size", default: named[0], named[1])[0])
    if weights.has("crop_pct") {
      let share = try weights.real("crop_pct")
      try weights.require(
        share > 0.1 && share <= 1, "crop_pct", "is \(share)", "it must lie between 0.1 and 1")
      shorterEdge = Int(Double(size.min()!) / share)
    }
    try read(weights, mean: "mean", deviation: "std")
    if let name = weights.values["interpolation"]?.string, let known = ResizeFilter(rawValue: name)
    {
      filter = known
    }
    repeatForChannels()
  }

  /// Of a folder.
  public init(of folder: ModelFolder) throws(PublishedError) {
    try self.init(folder.configuration)
    let file = folder.url.appendingPathComponent("preprocessor_config.json")
    guard FileManager.default.fileExists(atPath: file.path) else { return }
    let values = try ModelConfiguration(reading: file)
    try read(values, mean: "image_mean", deviation: "image_std")
    if values.values["do_normalize"]?.bool == false { (mean, deviation) = ([0], [1]) }
    // PIL numbers its filters.
    let filters: [ResizeFilter] = [.nearest, .lanczos, .bilinear, .bicubic, .box, .hamming]
    if let number = values.values["resample"]?.integer, filters.indices.contains(number) {
      filter = filters[number]
    }
    shorterEdge = nil
    try readSize(values)
    repeatForChannels()
  }

  private mutating func readSize(_ values: ModelConfiguration) throws(PublishedError) {
    func edges(_ name: String) throws(PublishedError) -> (edges: [Int]?, shorter: Int?) {
      guard values.has(name), values.values[name]?.members != nil else {
        return (try values.has(name) ? values.pair(name) : nil, nil)
      }
      let part = try values.part(name)
      if part.has("shortest_edge") { return (nil, try part.size("shortest_edge", atMost: 1 << 14)) }
      let (height, width) = (
        try part.size("height", atMost: 1 << 14), try part.size("width", atMost: 1 << 14)
      )
      return ([height, width], nil)
    }
    let (whole, shorter) = try edges("size")
    let crops = values.values["do_center_crop"]?.bool ?? false
    let cropped = crops ? try edges("crop_size") : (nil, nil)
    if let inner = cropped.0 {
      size = inner
      shorterEdge = shorter ?? whole?.min()
    } else if let whole {
      size = whole
    } else if let shorter {
      size = [shorter, shorter]
    }
  }

  private mutating func read(_ values: ModelConfiguration, mean: String, deviation: String)
    throws(PublishedError)
  {
    func numbers(_ name: String) throws(PublishedError) -> [Double]? {
      guard values.has(name) else { return nil }
      let numbers = values.values[name]?.elements?.compactMap(\.real) ?? []
      try values.require(!numbers.isEmpty, name, "holds no numbers", "give one for each channel")
      return numbers
    }
    self.mean = try numbers(mean) ?? self.mean
    self.deviation = try numbers(deviation) ?? self.deviation
    try values.require(
      self.deviation.allSatisfy { $0 > 0 }, deviation, "is \(self.deviation)",
      "deviations are positive")
  }

  /// One number for every channel: pictures of one channel take the mean of three.
  private mutating func repeatForChannels() {
    func fitted(_ values: [Double]) -> [Double] {
      if values.count == channels { return values }
      return Array(repeating: values.reduce(0, +) / Double(values.count), count: channels)
    }
    (mean, deviation) = (fitted(mean), fitted(deviation))
  }

  /// The same for square pictures of another size, cut as before.
  public func resized(to edge: Int) -> Self {
    var copy = self
    if let shorterEdge {
      copy.shorterEdge = Int(
        (Double(edge) * Double(shorterEdge) / Double(size.min()!)).rounded())
    }
    copy.size = [edge, edge]
    return copy
  }

  /// A picture as bytes, [height, width, channels].
  public func callAsFunction(_ picture: Image) -> [UInt8] {
    let plain = picture.compositedOnWhite()
    let image = channels == 1 ? plain.gray() : plain.rgb()
    guard let shorterEdge else {
      return image.resized(width: size[1], height: size[0], filter: filter).pixels
    }
    // As torchvision resizes and cuts: the longer edge is rounded down, the cut is in the middle.
    let shorter = min(image.width, image.height)
    let edge = max(shorterEdge, size.max()!)
    let whole = image.resized(
      width: max(edge * image.width / shorter, size[1]),
      height: max(edge * image.height / shorter, size[0]), filter: filter)
    return whole.cropped(
      x: (whole.width - size[1]) / 2, y: (whole.height - size[0]) / 2, width: size[1],
      height: size[0]
    ).pixels
  }

  /// Levels 0 … 255, [batch, height, width, channels], as numbers of the mean and deviation that the network expects.
  public func normalized(_ levels: Tensor) -> Tensor {
    func row(_ values: [Double]) -> Tensor { Tensor(values.map { Float($0) }) }
    return (levels.cast(to: .float32) / 255 - row(mean)) / row(deviation)
  }
}

internal import Layers
internal import Models
internal import Reports
internal import Samplers
internal import Tensors
internal import Training

extension Tensor {
  /// Pictures as sequences of 0 and 1, float32 [batch, pixels].
  func binarySequences() -> Tensor { binarized().flattened(1..<rank) }
}

/// What recipes of sequences of pixels share.
enum PixelRecipes {
  /// How often each pixel of 10,000 training pictures is white, [784].
  static func means(_ data: FashionPictures) -> Tensor {
    data.first(10_000).binarySequences().mean([0]).evaluated()
  }

  /// Nats of a picture of black and white pixels, and the bits of a pixel.
  static func binaryMetrics(
    _ nats: Double, _ goal: Method.Goal, on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    let note = "\(data.measuredOn), pixels black or white"
    let bits = nats / (784 * 0.6931471805599453)
    return [
      goal.measured(nats, note: note),
      Metric(
        name: "bits per dimension", value: bits, unit: "bits/dim", kind: goal.kind,
        group: PixelGroup.binary, note: note),
    ]
  }

  /// Symbols [count, …] of so many levels as pictures.
  static func pictures(_ symbols: Tensor, levels: Int = 2) -> [Picture] {
    (symbols.cast(to: .float32) / Double(max(1, levels - 1)))
      .reshaped([symbols.shape[0], 28, 28, 1]).pictures()
  }

  static func grid(_ pictures: [Picture]) -> Figure {
    .pictures(
      PictureGrid(
        pictures: pictures, subject: "generated pictures of clothes", note: "drawn pixel by pixel"))
  }

  static func codec<Model: SymbolModel>(
    _ model: Model, _ data: FashionPictures, levels: Int = 2
  ) -> RecipeCodec {
    let bytes = data.first(1000)
    let symbols = levels == 2 ? bytes.binarized().cast(to: .uint8) : bytes.levels(levels)
    return RecipeCodec(
      SymbolCodec(model, length: 784), shape: [28, 28], test: symbols.cast(to: .uint8).bytes())
  }
}

extension Tensor {
  /// Bytes as so many levels of grey, int32: with 2, pixels above 127 are 1.
  func levels(_ count: Int) -> Tensor {
    if count == 256 { return cast(to: .int32) }
    return (cast(to: .float32) * (Double(count) / 256)).floor().cast(to: .int32)
  }
}

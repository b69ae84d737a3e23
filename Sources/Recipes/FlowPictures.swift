internal import Datasets
internal import Layers
internal import Models
internal import Reports
internal import Tensors
internal import Training

extension FlowModel {
  /// Pictures of noise [count, numbers].
  func drawnPictures(_ noise: Tensor) -> [Picture] { (inverse(noise) / 255).pictures() }

  /// Pictures drawn from noise, and ways between the noise of held-out pictures.
  func figures(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> [Figure] {
    let noise = key.fork(0).normal([40, 784])
    let ends = PixelLogit.dequantized(data.heldOut.first(8), key.fork(1))
    return [
      .pictures(
        PictureGrid(pictures: drawnPictures(noise), subject: "generated pictures of clothes")),
      .rows(
        PictureRows(
          rows: walks(between: forward(ends).z, .arc) { drawnPictures($0) }, framesEnds: true,
          caption: "Arcs between the noise of two held-out pictures.")),
    ]
  }
}

/// The way from one code to another.
enum Walk {
  case line
  /// With weights whose squares add up to 1: noise stays noise.
  case arc

  /// Weights of the two ends after a share of the way.
  fileprivate func weights(_ share: Double) -> (from: Double, to: Double) {
    switch self {
    case .line: (1 - share, share)
    case .arc: (cosine(share), cosine(1 - share))
    }
  }

  /// cos of a share of a right angle.
  private func cosine(_ share: Double) -> Double { Tensor(share * .pi / 2, .float64).cos().scalar }
}

/// Rows of eight pictures each, from the codes of the first half to those of the second: [2 · rows, …].
func walks(between codes: Tensor, _ walk: Walk, _ pictures: (Tensor) -> [Picture])
  -> [PictureRows.Row]
{
  let rows = codes.shape[0] / 2
  return (0..<rows).map { row in
    let (from, to) = (
      codes.sliced(0, row..<row + 1), codes.sliced(0, row + rows..<row + rows + 1)
    )
    let path = (0..<8).map { step in
      let weights = walk.weights(Double(step) / 7)
      return from * weights.from + to * weights.to
    }
    return PictureRows.Row(label: "", pictures: pictures(concatenate(path)))
  }
}

internal import Layers
internal import Reports
internal import Tensors
internal import Training

/// What a classifier says of pictures whose classes are known.
struct Answers {
  private let data: LabeledFashion
  private let pictures: String
  private let truth: [Int]
  private let answers: [Int]

  /// - Parameter logits: of a batch of grey levels, [batch, classes].
  init(_ split: DataSplit<LabeledFashion>, size: Int, _ logits: (Tensor) -> Tensor) {
    let data = split.heldOut
    self.data = data
    pictures = split.measuredOn
    let batches = stride(from: 0, to: data.count, by: size).map {
      data.batch(Array($0..<min($0 + size, data.count)))
    }
    truth = batches.flatMap { $0.second.doubles().map { Int($0) } }
    answers = batches.flatMap { logits($0.first).argmax().doubles().map { Int($0) } }
  }

  var matrix: ConfusionMatrix {
    let count = data.classNames.count
    var counts = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    for (truth, answer) in zip(truth, answers) { counts[truth][answer] += 1 }
    return ConfusionMatrix(
      classes: data.classNames, counts: counts, note: pictures)
  }

  /// The most frequent mistakes, a row each, with the first pictures of it.
  func mistakes(rows: Int, columns: Int) -> PictureRows {
    let counts = matrix.counts
    var pairs: [(truth: Int, answer: Int, count: Int)] = []
    for truth in counts.indices {
      for answer in counts.indices where answer != truth && counts[truth][answer] > 0 {
        pairs.append((truth, answer, counts[truth][answer]))
      }
    }
    pairs.sort { $0.count > $1.count }
    let shown = pairs.prefix(rows).map { pair -> PictureRows.Row in
      let places = truth.indices.filter { truth[$0] == pair.truth && answers[$0] == pair.answer }
      let levels = data.pictures.batch(Array(places.prefix(columns))).cast(to: .float32) / 255
      let (name, other) = (data.classNames[pair.truth], data.classNames[pair.answer])
      return PictureRows.Row(label: "\(name) taken for \(other)", pictures: levels.pictures())
    }
    return PictureRows(
      rows: shown, caption: "The most frequent mistakes, and the first pictures of each.")
  }
}

internal import Foundation
internal import Layers
internal import Models
internal import Objectives
internal import Reports
internal import Synchronization
internal import Tensors
internal import Training

/// What a small residual network sees in pictures of clothes, by which made ones are compared with real ones.
struct FashionFeatures: Sendable {
  private let network: ResNet
  /// What the network is called in metrics.
  let name: String

  private static let trained = Mutex<[Int: FashionFeatures]>([:])

  /// The network of a run of resnet-fashion.
  init(run: String) throws {
    do {
      let model = try TrainedModel(folder: URL(fileURLWithPath: run).resolvingSymlinksInPath())
      network = try ResNetFashion.load(model).state.best
    } catch {
      throw Unusable(problem: "features: \(error)")
    }
    name = "features of \(run)"
  }

  /// A run whose features cannot be had.
  private struct Unusable: Error, CustomStringConvertible {
    let problem: String
    var description: String { problem }
  }

  /// A network of resnet-fashion's default sizes that learns so many steps, always the same; once in a process.
  static func trained(steps: Int) throws -> FashionFeatures {
    try trained.withLock { known in
      if let found = known[steps] { return found }
      let made = try FashionFeatures(steps: steps)
      known[steps] = made
      return made
    }
  }

  /// What metrics call `trained(steps:)`.
  static func name(steps: Int) -> String { "features of a ResNet after \(steps) steps" }

  private init(steps: Int) throws {
    var settings = ResNetFashion.defaults
    settings.steps = steps
    let recipe = ResNetFashion(settings)
    let data = try recipe.data()
    let key = RandomKey(seed: 0)
    let order = BatchOrder(of: data.training, batchSize: settings.batchSize, seed: 0)
    var state = recipe.start(data, key.fork(0))
    let step = compiled {
      (state: inout ResNetFashion.State, input: Pair<Pair<Tensor, Tensor>, RandomKey>) in
      recipe.step(&state, input.first, input.second)
    }
    for number in 0..<steps {
      recipe.prepare(&state, step: number)
      let batch = data.training.batch(order.indices(step: number))
      _ = step(&state, Pair(batch, key.fork(1).fork(number)))
    }
    network = state.best
    name = Self.name(steps: steps)
  }

  /// [count, features] of levels 0 … 255, uint8 [count, 28, 28, 1].
  func callAsFunction(_ bytes: Tensor) -> Tensor {
    let measure = compiled { (network: ResNet, bytes: Tensor) in
      var network = network
      return network.features(bytes.cast(to: .float32) / 255 - 0.5, .inference)
    }
    let count = bytes.shape[0]
    return concatenate(
      stride(from: 0, to: count, by: 500).map {
        measure(network, bytes.sliced(0, $0..<min($0 + 500, count)))
      }
    ).evaluated()
  }
}

/// How made pictures of clothes are compared with real ones.
struct FashionComparison: Sendable {
  private let run: FashionFeatures?
  private let steps: Int
  private let count: Int
  let goal: Method.Goal

  /// - Parameters:
  ///   - run: the run of resnet-fashion whose features are used; nil: those of a network that learns `steps` steps.
  ///   - count: pictures of each kind.
  init(run: String?, steps: Int, count: Int) throws {
    self.run = try run.map { try FashionFeatures(run: $0) }
    self.steps = steps
    self.count = count
    goal = Self.goal(self.run?.name ?? FashionFeatures.name(steps: steps))
  }

  static func goal(_ features: String) -> Method.Goal {
    Method.Goal("Fréchet distance, \(features)", unit: "", kind: .score)
  }

  /// Fréchet distance, precision and recall.
  /// - Parameter made: so many pictures of values −1 … 1, by the number of their part.
  func metrics(
    _ held: FashionPictures, _ name: String, _ made: (_ count: Int, _ part: Int) -> Tensor
  ) -> [Metric] {
    let count = min(count, held.count)
    let note = "as many made pictures as \(name), \(Wording.count(count))"
    guard let features = try? run ?? .trained(steps: steps) else {
      return [goal.measured(.nan, note: "the pictures that features are learned from are gone")]
    }
    let parts = stride(from: 0, to: count, by: 250).map {
      made(min(250, count - $0), $0).eightBits().evaluated()
    }
    let (made, real) = (features(concatenate(parts)), features(held.first(count)))
    let distance = FeatureMoments(of: real).frechetDistance(to: FeatureMoments(of: made))
    let regions = PrecisionRecall(real: real, fake: made)
    func share(_ label: String, _ value: Double) -> Metric {
      Metric(
        name: "\(label), \(features.name)", value: 100 * value, unit: "%", kind: .score,
        note: "\(note); 3 neighbours")
    }
    return [
      goal.measured(distance, note: note), share("precision", regions.precision),
      share("recall", regions.recall),
    ]
  }
}

extension Tensor {
  /// Values −1 … 1 as levels 0 … 255, uint8.
  func eightBits() -> Tensor {
    ((self + 1) * 127.5).rounded().clipped(to: 0...255).cast(to: .uint8)
  }

  /// Levels 0 … 255 as values −1 … 1.
  func aroundZero() -> Tensor { cast(to: .float32) / 127.5 - 1 }

  /// Values −1 … 1 as pictures.
  func signedPictures() -> [Picture] { (self * 0.5 + 0.5).pictures() }
}

extension FashionPictures {
  /// Made pictures, values −1 … 1, above the nearest of the first ten thousand of these, pixel by pixel.
  func nearest(to made: Tensor) -> Figure {
    let known = first(10_000).aroundZero()
    let (a, b) = (made.flattened(1..<4), known.flattened(1..<4))
    let distances = b.square().sum([1]).expanded(0) - matrixProduct(a, b.transposed()) * 2
    let nearest = known.rows(distances.argmin(1))
    return .rows(
      PictureRows(
        rows: [
          .init(label: "Made", pictures: made.signedPictures()),
          .init(label: "Nearest in the data", pictures: nearest.signedPictures()),
        ], caption: "Made pictures, and which of 10,000 training pictures are nearest to them."))
  }
}

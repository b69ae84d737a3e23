import Datasets
import Foundation
import Layers
import Optimizers
import Reports
import Tensors
import Training

/// A complete recipe: a small network learns to take noise off points of the plane.
struct DenoisingRecipe: LossRecipe {
  struct Settings: RecipeSettings {
    var steps = 40
    var batchSize = 16
    var learningRate = LearningRate(0.01, .linear)
    var width = 8
    var noise = 0.3
    var accumulate = 1
    var clip: Double? = 1
    /// Whether inputs are centred by a mean that the forward pass keeps.
    var centers = true
    /// The step whose loss is no number; for tests of what happens then.
    var breaksAt = -1
  }

  static let method = Method(
    name: "denoise-moons", title: "Denoiser", family: "Energy",
    idea: "A small network learns where noisy points came from.",
    formula: "min_θ E ‖f_θ(x + σ ε) − x‖^2", data: "two-moons",
    goal: .init("squared error", unit: "mean square", kind: .score))
  static let defaults = Settings()

  let settings: Settings
  init(_ settings: Settings) { self.settings = settings }

  func data() -> DataSplit<Examples<Tensor>> {
    func points(_ count: Int, _ seed: UInt64) -> Examples<Tensor> {
      let points = ToyDistribution.twoMoons.sample(count, seed: seed)
      return Examples(count) { indices in
        Tensor(indices.flatMap { points[2 * $0..<2 * $0 + 2] }, shape: [indices.count, 2])
      }
    }
    return DataSplit(
      training: points(100, 1), heldOut: points(40, 2), test: points(30, 3),
      testName: "test points")
  }

  func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> Perceptron {
    Perceptron(width: settings.width, centers: settings.centers, key)
  }

  func optimizer(for model: Perceptron) -> Adam<Perceptron> { AdamW(for: model) }

  var update: Update {
    Update(
      settings.learningRate, steps: settings.steps, clip: settings.clip, averageDecay: 0.9,
      accumulate: settings.accumulate)
  }

  func loss(
    _ model: inout Perceptron, _ points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let noisy = points + settings.noise * key.normal(points.shape)
    let error = model(noisy, phase) - points
    return ["loss": error.square().mean(), "worst": error.abs().max()]
  }

  func prepare(_ state: inout State, step: Int) {
    state.optimizer.learningRate = Tensor([update.learningRate(step)], shape: [])
    if step == settings.breaksAt {
      state.model = state.model.mapTensors { $0 * .nan }
    }
  }

  func figures(_ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> [Figure] {
    var model = state.best
    let points = model(key.normal([4, 2]), .inference).floats()
    return [.texts(TextSamples(samples: [.init(text: "\(points)")]))]
  }

  func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 2) { count, key in
        var model = state.best
        let points = model(key.normal([count, 2]), .inference).floats()
        return (0..<count).map { "\(points[2 * $0]) \(points[2 * $0 + 1])" }
      })
  }

  func configuration(of model: Perceptron) -> any Encodable {
    ["model_type": "perceptron", "width": "\(settings.width)"]
  }
}

/// Two layers on inputs that are centred by their running mean.
struct Perceptron: Module {
  var center: Tensor
  var inputWeight: Tensor
  var inputBias: Tensor
  var outputWeight: Tensor
  let centers: Bool

  init(width: Int, centers: Bool, _ key: RandomKey) {
    self.centers = centers
    center = .zeros([2])
    inputWeight = key.fork(0).normal([2, width], deviation: 0.7)
    inputBias = .zeros([width])
    outputWeight = key.fork(1).normal([width, 2], deviation: 0.3)
  }

  mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    if phase.isTraining && centers { center = center + 0.1 * (x.mean([0]).stopped() - center) }
    let hidden = (matrixProduct(x - center, inputWeight) + inputBias).tanh()
    return matrixProduct(hidden, outputWeight)
  }

  mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("center", &center)
    visitor("fc1.weight", &inputWeight)
    visitor("fc1.bias", &inputBias)
    visitor("fc2.weight", &outputWeight)
    visitor.fixed("centers", centers)
  }
}

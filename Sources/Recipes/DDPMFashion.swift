public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A denoising diffusion model of pictures of clothes.
public struct DDPMFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 1000
    public var batchSize = 64
    /// Pixels along each side of what the network sees as one place.
    public var patch = 2
    /// Channels of each level, each half as large as the one before.
    public var widths = [32, 64]
    public var layers = 1
    /// What the network says: the noise, the clean picture, or what leads from one to the other.
    public var prediction = Parameterisation.velocity
    public var schedule = NoiseSchedule.Kind.cosine
    /// Steps from noise to pictures when samples are drawn.
    public var samplingSteps = 50
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)
    public var averageDecay = 0.99
    /// Test pictures that the bound is measured on.
    public var evaluated = 4000
  }

  public static let method = Method(
    name: "ddpm-fashion", title: "Denoising diffusion", family: "Diffusion models",
    idea: "Learns to take noise off pictures, and so makes pictures out of nothing but noise.",
    formula: "min_θ E ‖v − v_θ(a_t x + s_t ε, t)‖^2; v = a_t ε − s_t x", data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .upperBound, group: PixelGroup.grey))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(
      learningRate: { rate($0, of: steps) }, clip: 1, averageDecay: settings.averageDecay)
  }

  private var process: DiffusionProcess {
    DiffusionProcess(NoiseSchedule(settings.schedule), settings.prediction)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> UNet {
    UNet(
      UNetConfiguration(
        size: 28, channels: 1, patch: settings.patch, widths: settings.widths,
        layers: settings.layers, attention: [settings.widths.count - 1], normGroups: 8,
        zeroInitialOutputs: true), key: key)
  }

  public func optimizer(for model: UNet) -> Adam<UNet> { Adam(for: model, betas: (0.9, 0.99)) }

  /// Grey levels 0 … 255 as −1 … 1.
  private func pixels(_ bytes: Tensor) -> Tensor { bytes.cast(to: .float32) / 127.5 - 1 }

  public func loss(
    _ model: inout UNet, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let objective = NoisePrediction(process)
    return [
      "loss": objective(model, pixels(bytes), key: key, isTraining: phase.isTraining)
    ]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Metric] {
    let held = data.heldOut
    let bound = VariationalBound(process).mean(
      of: state.best, count: settings.evaluated, size: 250, key: key
    ) { pixels(held.batch($0.map { $0 % held.count })) }
    func bits(_ nats: Double) -> Double {
      VariationalBound.bitsPerDimension(Tensor([nats]), dimensions: 784).doubles()[0]
    }
    return [
      Self.method.goal.measured(
        bits(bound.nats), error: 1.96 * bits(bound.error),
        note: "\(Wording.count(bound.count)) test pictures, each at one time of the process")
    ]
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    let sampler = DDIM(process, steps: settings.samplingSteps, spacing: .trailing)
    var x = key.fork(0).normal([40, 28, 28, 1])
    var strip = DenoisingStrip(times: [], states: [], expected: [], subject: "a piece of clothing")
    func show(_ time: Int, _ state: Tensor, _ expected: Tensor) {
      strip.times.append(time)
      strip.states += levels(state.sliced(0, 0..<1)).pictures()
      strip.expected += levels(expected.sliced(0, 0..<1)).pictures()
    }
    let shown = (0..<7).map { $0 * settings.samplingSteps / 7 }
    let states = sampler.samples(of: state.best, from: x, key: key.fork(1))
    for (number, state) in states.enumerated() {
      if shown.contains(number) { show(state.time + 1, x, state.clean) }
      x = state.x
    }
    show(0, x, x)
    let samples = PictureGrid(
      pictures: levels(x).pictures(), subject: "generated pictures of clothes",
      note: "\(settings.samplingSteps) steps of DDIM")
    return [.pictures(samples), .denoising(strip)]
  }

  /// Pixels −1 … 1 as levels 0 … 1.
  private func levels(_ x: Tensor) -> Tensor { x * 0.5 + 0.5 }

  public func configuration(of model: UNet) -> any Encodable { model.configuration }
}

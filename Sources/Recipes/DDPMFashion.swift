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
    /// The least noisy of 1000 times, which are left out: what they show, differences of a few grey levels, costs a small
    /// network more than the decoder.
    public var skippedTimes = 100
    /// Steps from noise to pictures when samples are drawn.
    public var samplingSteps = 50
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)
    public var averageDecay = 0.99
    /// Pictures that the bound is measured on, each at one time of the process.
    public var evaluated = 4000

    public var limits: [Limit] {
      let side = 28 >> (max(1, min(widths.count, 8)) - 1)
      return [
        Limit("widths", widths, each: 8...1024, count: 1...3),
        Limit("widths", widths, takes: "multiples of 8", when: widths.allSatisfy { $0 % 8 == 0 }),
        Limit(
          "patch", patch, takes: "a divisor of \(side), the pixels of the coarsest level",
          when: patch > 0 && side % patch == 0 && 28 % (patch << (widths.count - 1)) == 0),
        Limit("layers", layers, 1...8), Limit("skipped_times", skippedTimes, 0...900),
        Limit("sampling_steps", samplingSteps, 1...(1000 - max(0, min(skippedTimes, 900)))),
        Limit("average_decay", averageDecay, 0...1), Limit("evaluated", evaluated, 1...1_000_000),
      ]
    }
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
    let whole = NoiseSchedule(settings.schedule)
    let skipped = settings.skippedTimes
    let betas = [1 - whole.signalPowers[skipped]] + whole.betas[(skipped + 1)...]
    return DiffusionProcess(NoiseSchedule(betas: betas), settings.prediction)
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
    let bound = bound(data.training).mean(
      of: state.best, count: settings.evaluated, size: 250, key: key
    ) { pixels(held.batch($0.map { $0 % held.count })) }
    func bits(_ nats: Double) -> Double {
      VariationalBound.bitsPerDimension(Tensor([nats]), dimensions: 784).doubles()[0]
    }
    return [
      Self.method.goal.measured(
        bits(bound.nats), error: 1.96 * bits(bound.error),
        note: "\(Wording.count(bound.count)) \(data.heldOutName), each at one time of the process")
    ]
  }

  /// The bound whose decoder knows how frequent the grey levels of the training pictures are, most of them black.
  private func bound(_ data: FashionPictures) -> VariationalBound {
    var counts = [Double](repeating: 1, count: 256)
    for level in data.first(2000).bytes() { counts[Int(level)] += 1 }
    let process = process
    let first = process.schedule.signalPowers[0]
    var variances = (0..<process.count).map { time in
      time == 0 ? 0 : process.posterior(from: time, to: time - 1).variance
    }
    // The network takes off about half of the first state's noise.
    variances[0] = 0.5 * (1 - first) / first
    return VariationalBound(
      process, variance: .given(variances),
      decoder: .weightedLevels(counts.map { $0 / counts.reduce(0, +) }))
  }

  private var sampler: DDIM { DDIM(process, steps: settings.samplingSteps, spacing: .trailing) }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(
      request.inParts(of: 100) { count, key in
        let noise = key.fork(0).normal([count, 28, 28, 1])
        var x = noise
        for state in sampler.samples(of: state.best, from: noise, key: key.fork(1)) { x = state.x }
        return levels(x).pictures()
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
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

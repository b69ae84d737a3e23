public import Layers
public import Objectives
public import Optimizers
public import Tensors
public import Training

/// What all games of two networks let their users choose.
public protocol AdversarialSettings: RecipeSettings {
  var loss: AdversarialLoss { get }
  /// Steps of the critic before each of the generator. Each has a batch of its own.
  var criticSteps: Int { get }
  /// The weight λ of wgan_gp's penalty.
  var gradientPenalty: Double { get }
  /// What wgan cuts the critic's weights to.
  var clip: Double { get }
  /// The weight γ of the penalty on the critic's slope at the data; 0: none.
  var r1: Double { get }
  /// Steps from one such penalty to the next, which counts for all of them.
  var r1Every: Int { get }
  var learningRate: LearningRate { get }
  /// Adam's decay rates.
  var betas: [Double] { get }
  /// The part of the generator's moving average that a step keeps.
  var averageDecay: Double { get }
}

extension AdversarialSettings {
  var adversarialLimits: [Limit] {
    [
      // Norms over batches need more than one item.
      Limit("batch_size", batchSize, 2...1_000_000),
      Limit("critic_steps", criticSteps, 1...100),
      Limit("gradient_penalty", gradientPenalty, 0...1e6), Limit("clip", clip, 1e-9...1e6),
      Limit("r1", r1, 0...1e6), Limit("r1_every", r1Every, 1...1_000_000),
      Limit(
        "betas", betas, takes: "two numbers from 0 to below 1",
        when: betas.count == 2 && betas.allSatisfy { (0..<1).contains($0) }),
      Limit("average_decay", averageDecay, 0...1),
    ]
  }

  /// Whether a penalty looks at the slope of single examples, so that the critic may not mix them by norms over batches.
  var looksAtSlopes: Bool { loss == .wganGP || r1 > 0 }
}

/// Two networks with their optimizers, and the average of the one that makes things.
public struct Adversaries<Generator: Module, Critic: Module>: Module {
  public var generator: Generator
  public var critic: Critic
  public var generatorOptimizer: Adam<Generator>
  public var criticOptimizer: Adam<Critic>
  public var average: MovingAverage<Generator>
  /// The running mean of path lengths, shape [], of generators that are held to it.
  public var pathLength: Tensor
  /// Which of the penalties that are not due in every step are due in the next one: each choice is a program of its own.
  public var penalizesCritic = false
  public var penalizesGenerator = false

  init(_ generator: Generator, _ critic: Critic, betas: [Double], averageDecay: Double) {
    self.generator = generator
    self.critic = critic
    let betas = (betas[0], betas[1])
    generatorOptimizer = Adam(for: generator, betas: betas)
    criticOptimizer = Adam(for: critic, betas: betas)
    average = MovingAverage(of: generator, decay: averageDecay, warmsUp: true)
    pathLength = .zeros([])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("generator", &generator)
    visitor("critic", &critic)
    visitor("generator_optimizer", &generatorOptimizer)
    visitor("critic_optimizer", &criticOptimizer)
    visitor.buffer("average", &average)
    visitor.buffer("path_length", &pathLength)
    visitor.fixed("penalizes", [penalizesCritic, penalizesGenerator])
  }
}

/// A game of two networks: one makes things of noise, and one scores them beside the data. Its author names both and says
/// what they see; rounds, losses, penalties and the average come with it.
public protocol AdversarialRecipe: Recipe
where State == Adversaries<Generator, Critic>, Settings: AdversarialSettings {
  associatedtype Generator: Module
  associatedtype Critic: Module

  var settings: Settings { get }
  func generator(_ key: RandomKey) -> Generator
  func critic(_ key: RandomKey) -> Critic
  /// A batch's data as the critic sees them.
  func real(_ batch: Data.Batch) -> Tensor
  /// As many things as the batch has, of the same classes where there are some.
  func made(
    _ generator: inout Generator, like batch: Data.Batch, _ phase: Phase, _ key: RandomKey
  ) -> Tensor
  /// [batch].
  func score(
    _ critic: inout Critic, _ x: Tensor, like batch: Data.Batch, _ phase: Phase
  ) -> Tensor
  /// What the generator is held to besides the critic's score, where it is due; and the new mean of path lengths.
  func penalty(
    _ generator: inout Generator, pathLength: Tensor, _ key: RandomKey
  ) -> (penalty: Tensor, pathLength: Tensor)?
  /// Steps from one such penalty to the next.
  var generatorPenaltyEvery: Int? { get }
}

extension AdversarialRecipe {
  public var generatorPenaltyEvery: Int? { nil }

  public func penalty(
    _ generator: inout Generator, pathLength: Tensor, _ key: RandomKey
  ) -> (penalty: Tensor, pathLength: Tensor)? { nil }

  public func start(_ data: DataSplit<Data>, _ key: RandomKey) -> State {
    Adversaries(
      generator(key.fork(0)), critic(key.fork(1)), betas: settings.betas,
      averageDecay: settings.averageDecay)
  }

  public func learningRate(at step: Int) -> Double? {
    settings.learningRate(step, of: settings.steps)
  }

  public func prepare(_ state: inout State, step: Int) {
    let rate = settings.learningRate(step, of: settings.steps)
    state.generatorOptimizer.learningRate = Tensor([rate], shape: [])
    state.criticOptimizer.learningRate = Tensor([rate], shape: [])
    state.penalizesCritic = settings.r1 > 0 && step % settings.r1Every == 0
    state.penalizesGenerator = generatorPenaltyEvery.map { step % $0 == 0 } ?? false
  }

  /// - Parameter batch: a batch for each round along a first axis.
  public func step(
    _ state: inout State, _ batch: Data.Batch, _ key: RandomKey
  ) -> [String: Tensor] {
    let (generator, penalizes) = (state.generator, state.penalizesCritic)
    let rounds = Tensor.range(settings.criticSteps, .int64)
    let (adversary, numbers) = scan(
      Pair(state.critic, state.criticOptimizer), over: Pair(batch, rounds)
    ) { adversary, round in
      criticStep(
        &adversary, generator, round.first, penalizes: penalizes, key.fork(0).fork(round.second))
    }
    (state.critic, state.criticOptimizer) = (adversary.first, adversary.second)
    var result = numbers.mapTensors { $0.mean([0]) }
    let last = batch.mapTensors { $0.element(0, settings.criticSteps - 1) }
    for (name, value) in generatorStep(&state, last, key.fork(1)) { result[name] = value }
    return result
  }

  private func criticStep(
    _ adversary: inout Pair<Critic, Adam<Critic>>, _ generator: Generator, _ batch: Data.Batch,
    penalizes: Bool, _ key: RandomKey
  ) -> [String: Tensor] {
    // What the generator's norms gather here is dropped: it learns nothing in these steps.
    var maker = generator
    let fake = made(&maker, like: batch, .training(key.fork(0)), key.fork(1)).stopped()
    let real = real(batch)
    var scores: [String: Tensor] = [:]
    let (loss, gradient) = valueAndGradient(updating: &adversary.first) { critic in
      // Data and fakes apart, since norms over batches that mix them would tell which is which.
      let ofReal = score(&critic, real, like: batch, .training(key.fork(2)))
      let ofFake = score(&critic, fake, like: batch, .training(key.fork(3)))
      scores = ["real_score": ofReal.mean(), "fake_score": ofFake.mean()]
      var loss = settings.loss.critic(real: ofReal, fake: ofFake)
      func alone(_ x: Tensor) -> Tensor {
        var copy = critic
        return score(&copy, x, like: batch, .training(key.fork(4)))
      }
      if settings.loss == .wganGP {
        let penalty = SlopePenalty.between(real, fake, key: key.fork(5), alone)
        loss += penalty * settings.gradientPenalty
      }
      if penalizes {
        loss += SlopePenalty.atData(real, alone) * (settings.r1 * Double(settings.r1Every))
      }
      return loss
    }
    adversary.second.update(&adversary.first, along: gradient)
    if settings.loss == .wgan {
      let (clip, isTrained) = (settings.clip, adversary.first.leaves.map(\.isTrained))
      adversary.first.replaceTensors(
        zip(adversary.first.tensors, isTrained).map {
          $1 ? $0.clipped(to: -clip...clip) : $0
        })
    }
    return scores.merging(["loss": loss]) { $1 }
  }

  private func generatorStep(
    _ state: inout State, _ batch: Data.Batch, _ key: RandomKey
  ) -> [String: Tensor] {
    let (critic, penalizes, mean) = (state.critic, state.penalizesGenerator, state.pathLength)
    var (loss, pathLength) = (Tensor(0), mean)
    let (_, gradient) = valueAndGradient(updating: &state.generator) { generator in
      let fake = made(&generator, like: batch, .training(key.fork(0)), key.fork(1))
      // The critic's statistics stay what its own steps made them.
      var judge = critic
      loss = settings.loss.generator(
        fake: score(&judge, fake, like: batch, .training(key.fork(2))))
      guard penalizes, let every = generatorPenaltyEvery,
        let due = penalty(&generator, pathLength: mean, key.fork(3))
      else { return loss }
      pathLength = due.pathLength
      return loss + due.penalty * Double(every)
    }
    state.generatorOptimizer.update(&state.generator, along: gradient)
    state.pathLength = pathLength
    state.average.update(toward: state.generator)
    return ["generator_loss": loss, "grad_norm": gradient.globalNorm]
  }
}

/// Items in several batches for every step, one for each round: tensors [rounds, batch, …].
public struct Rounds<Base: Dataset>: Dataset {
  package let base: Base
  package let rounds: Int

  public var count: Int { base.count / rounds }

  public func batch(_ indices: [Int]) -> Base.Batch {
    let all = (0..<rounds).flatMap { round in indices.map { $0 * rounds + round } }
    return base.batch(all).mapTensors {
      $0.reshaped([rounds, indices.count] + $0.shape.dropFirst())
    }
  }
}

extension DataSplit {
  /// Training items in rounds; what is measured on stays single.
  package func inRounds(_ rounds: Int) -> DataSplit<Rounds<Data>> {
    DataSplit<Rounds<Data>>(
      training: Rounds(base: training, rounds: rounds), heldOut: Rounds(base: heldOut, rounds: 1),
      heldOutName: heldOutName, test: test.map { Rounds(base: $0, rounds: 1) }, testName: testName)
  }
}

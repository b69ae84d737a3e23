import Documents
import Layers
import Optimizers
import Tensors
import TestSupport
import Testing

/// mean((tanh(x Wᵀ + b) − y)²) in W and b.
struct Problem: Module {
  var weight: Tensor
  var bias: Tensor

  func loss(_ x: Tensor, _ y: Tensor) -> Tensor {
    ((matrixProduct(x, weight.transposed()) + bias).tanh() - y).square().mean()
  }

  mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
  }
}

/// Weights, biases and losses of every step as PyTorch, or the formulas of the papers, give them.
@Suite struct OptimizerFixturesTests {
  static let cases = Fixture.cases {
    $0["problem"]?.string?.contains("tanh(x weight^T + bias)") == true
  }

  @Test(arguments: cases) func `Every step of an optimizer is that of the reference`(
    example: Fixture.Case
  ) throws {
    let fixture = example.fixture
    let start = try Problem(
      weight: #require(fixture["input.weight"]), bias: #require(fixture["input.bias"]))
    let first = try #require(optimizer(example, for: start), "no optimizer for \(example)")
    try check(example, first, start)
  }

  @Test(.enabled(if: Fixture.areOwn)) func `All optimizers of the reference are known`() {
    #expect(Self.cases.count >= 23)
  }

  private func check(
    _ example: Fixture.Case, _ start: some Optimizer<Problem>, _ problem: Problem
  ) throws {
    let fixture = example.fixture
    let (x, y) = try (#require(fixture["input.x"]), #require(fixture["input.y"]))
    let sign = example.isTrue("maximize") == true ? -1.0 : 1.0
    var (model, optimizer) = (problem, start)
    var steps: (weights: [Tensor], biases: [Tensor], losses: [Tensor]) = ([], [], [])
    for _ in 0..<(try example.output("loss").count) {
      var (loss, gradient) = valueAndGradient(at: model) { $0.loss(x, y) * sign }
      if let limit = example.config["clip_norm"]?.double {
        gradient = gradient.clipped(toGlobalNorm: limit).gradient
      }
      optimizer.update(&model, along: gradient)
      steps.weights.append(model.weight)
      steps.biases.append(model.bias)
      steps.losses.append(loss * sign)
    }
    for (name, values) in [
      ("weight", steps.weights), ("bias", steps.biases), ("loss", steps.losses),
    ] {
      let expected = try example.output(name)
      let error = zip(stack(values).doubles(), expected.doubles()).map { abs($0 - $1) }.max() ?? 0
      let largest = expected.doubles().map(abs).max() ?? 0
      #expect(error <= 5e-6 * largest, "\(example) \(name): off by \(error) of \(largest)")
    }
  }

  private func optimizer(_ example: Fixture.Case, for model: Problem) -> (any Optimizer<Problem>)? {
    func number(_ name: String, _ standard: Double) -> Double { example.double(name) ?? standard }
    func isTrue(_ name: String) -> Bool { example.isTrue(name) == true }
    let rate = number("lr", 1e-3)
    let decay = number("weight_decay", 0)
    let epsilon = number("eps", 1e-8)
    let pair = example.doubles("betas")
    let betas = pair.map { ($0[0], $0[1]) } ?? (0.9, 0.999)
    switch example.operation {
    case "SGD":
      return SGD(
        for: model, learningRate: rate, momentum: number("momentum", 0),
        dampening: number("dampening", 0), isNesterov: isTrue("nesterov"), weightDecay: decay)
    case "Adam":
      return Adam(
        for: model, learningRate: rate, betas: betas, epsilon: epsilon,
        weightDecay: decay, isAMSGrad: isTrue("amsgrad"))
    case "AdamW":
      return AdamW(
        for: model, learningRate: rate, betas: betas, epsilon: epsilon,
        weightDecay: number("weight_decay", 0.01), isAMSGrad: isTrue("amsgrad"))
    case "RMSprop":
      return RMSprop(
        for: model, learningRate: rate, smoothing: number("alpha", 0.99),
        momentum: number("momentum", 0), isCentered: isTrue("centered"), weightDecay: decay)
    case "Adagrad":
      return Adagrad(
        for: model, learningRate: rate, rateDecay: number("lr_decay", 0),
        firstSum: number("initial_accumulator_value", 0), weightDecay: decay)
    case "Adadelta":
      return Adadelta(
        for: model, learningRate: rate, smoothing: number("rho", 0.9), epsilon: number("eps", 1e-6),
        weightDecay: decay)
    case "Adamax":
      return Adamax(
        for: model, learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay)
    case "NAdam":
      return NAdam(
        for: model, learningRate: rate, betas: betas, epsilon: epsilon,
        momentumDecay: number("momentum_decay", 4e-3), weightDecay: decay,
        isDecoupled: isTrue("decoupled_weight_decay"))
    case "RAdam":
      return RAdam(
        for: model, learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay,
        isDecoupled: isTrue("decoupled_weight_decay"))
    case "Rprop":
      let factors = example.doubles("etas").map { ($0[0], $0[1]) } ?? (0.5, 1.2)
      let steps = example.doubles("step_sizes").map { $0[0]...$0[1] } ?? 1e-6...50
      return Rprop(for: model, learningRate: rate, factors: factors, stepRange: steps)
    case "Lion": return Lion(for: model, learningRate: rate, betas: betas, weightDecay: decay)
    case "LAMB":
      return LAMB(
        for: model, learningRate: rate, betas: betas, epsilon: number("eps", 1e-6),
        weightDecay: decay)
    default: return nil
    }
  }
}

import Documents
import Foundation
import Tensors
import TestSupport
import Testing

/// Losses and their gradients against those that PyTorch computed.
@Suite(.onEveryDevice) struct LossFixturesTests {
  static let cases = Fixture.cases([
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "kl_div", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "gaussian_nll_loss",
    "poisson_nll_loss", "cosine_similarity", "cosine_embedding_loss", "hinge_embedding_loss",
    "margin_ranking_loss", "triplet_margin_loss", "ctc_loss",
  ])

  private func reduction(_ example: Fixture.Case) -> LossReduction {
    switch example.string("reduction") {
    case "none": .none
    case "sum": .sum
    case "batchmean": .batchMean
    default: .mean
    }
  }

  /// The loss of named operands in our functions.
  private func loss(_ example: Fixture.Case, _ x: [String: Tensor]) throws -> Tensor? {
    func operand(_ name: String) throws -> Tensor { try #require(x[name], "\(name)") }
    let reduction = reduction(example)
    switch example.operation {
    case "cosine_similarity":
      return try cosineSimilarity(
        operand("x1"), operand("x2"), axis: example.integer("dim") ?? 1)
    case "cosine_embedding_loss":
      return try cosineEmbeddingLoss(
        operand("x1"), operand("x2"), operand("target"), margin: example.double("margin") ?? 0,
        reduction: reduction)
    case "triplet_margin_loss":
      return try tripletMarginLoss(
        anchor: operand("anchor"), positive: operand("positive"), negative: operand("negative"),
        margin: example.double("margin") ?? 1, reduction: reduction)
    case "margin_ranking_loss":
      return try marginRankingLoss(
        operand("input1"), operand("input2"), operand("target"),
        margin: example.double("margin") ?? 0, reduction: reduction)
    case "ctc_loss":
      return try ctcLoss(
        operand("log_probs").swapped(0, 1), operand("targets"),
        lengths: operand("input_lengths"), targetLengths: operand("target_lengths"),
        blank: example.integer("blank") ?? 0,
        zeroesInfinity: example.isTrue("zero_infinity") == true, reduction: reduction)
    default: return try pairwise(example, operand("input"), operand("target"), x["var"])
    }
  }

  /// The losses of an input and a target.
  private func pairwise(
    _ example: Fixture.Case, _ input: Tensor, _ target: Tensor, _ variance: Tensor?
  ) -> Tensor? {
    func weights(_ argument: String) -> Tensor? {
      example.string(argument).flatMap { example.fixture[$0] }
    }
    let axis = input.rank > 1 ? 1 : 0
    let reduction = reduction(example)
    let ignored = example.integer("ignore_index") ?? -100
    let smoothing = example.double("label_smoothing") ?? 0
    return switch example.operation {
    case "cross_entropy" where target.dataType.isFloatingPoint:
      crossEntropy(
        input, probabilities: target, axis: axis, weights: weights("weight"), smoothing: smoothing,
        reduction: reduction)
    case "cross_entropy":
      crossEntropy(
        input, target, axis: axis, weights: weights("weight"), ignoring: ignored,
        smoothing: smoothing, reduction: reduction)
    case "nll_loss":
      negativeLogLikelihood(
        input, target, axis: axis, weights: weights("weight"), ignoring: ignored,
        reduction: reduction)
    case "binary_cross_entropy": binaryCrossEntropy(input, target, reduction: reduction)
    case "binary_cross_entropy_with_logits":
      binaryCrossEntropy(
        logits: input, target, positiveWeights: weights("pos_weight"), reduction: reduction)
    case "kl_div":
      klDivergence(
        input, target, isLogarithm: example.isTrue("log_target") == true, reduction: reduction)
    case "mse_loss": meanSquaredError(input, target, reduction: reduction)
    case "l1_loss": meanAbsoluteError(input, target, reduction: reduction)
    case "smooth_l1_loss":
      smoothL1Loss(input, target, beta: example.double("beta") ?? 1, reduction: reduction)
    case "huber_loss":
      huberLoss(input, target, delta: example.double("delta") ?? 1, reduction: reduction)
    case "gaussian_nll_loss":
      variance.map {
        gaussianNegativeLogLikelihood(
          input, target, variance: $0, full: example.isTrue("full") == true,
          epsilon: example.double("eps") ?? 1e-6, reduction: reduction)
      }
    case "poisson_nll_loss":
      poissonNegativeLogLikelihood(
        input, target, isLogarithm: example.isTrue("log_input") ?? true,
        full: example.isTrue("full") == true, epsilon: example.double("eps") ?? 1e-8,
        reduction: reduction)
    case "hinge_embedding_loss":
      hingeEmbeddingLoss(
        input, target, margin: example.double("margin") ?? 1, reduction: reduction)
    default: nil
    }
  }

  @Test(arguments: cases)
  func `Losses and gradients are PyTorch's`(_ example: Fixture.Case) throws {
    let names = example.inputs
    let operands = try names.map { Tensor(Alias($0), [try example.input($0)]) }
    let named = Dictionary(uniqueKeysWithValues: zip(names, operands))
    let result = try #require(try loss(example, named))
    let slopes = gradients(of: [result], seeds: [try example.probe("output")], by: operands)
    // Read after the gradients are taken: reading takes the graph apart.
    #expect(try distance(result, example.output("output")) < 1e-5)
    #expect(!example.gradients.isEmpty)
    // Sums of logarithms over all steps are large numbers with small differences, there as here.
    let tolerance = example.operation == "ctc_loss" ? 1e-4 : 1e-5
    for name in example.gradients {
      let place = try #require(names.firstIndex(of: name))
      let slope = try #require(slopes[place], "no gradient by \(name)")
      let expected = try #require(example.gradient(name))
      #expect(distance(slope, expected) < tolerance, "by \(name)")
    }
  }

  @Test(.enabled(if: Fixture.areOwn)) func `The fixtures are there`() {
    #expect(Self.cases.count >= 26)
  }
}

import Documents
import Foundation
import Tensors
import TestSupport
import Testing

/// Losses and their gradients against those that PyTorch computed.
@Suite struct LossFixturesTests {
  /// A loss of PyTorch: its arguments by PyTorch's names.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let operation: String
    let arguments: JSONValue
    var testDescription: String { name }

    func number(_ argument: String) -> Double? { arguments[argument]?.double }
    func isTrue(_ argument: String) -> Bool { arguments[argument]?.bool == true }
    var reduction: LossReduction {
      switch arguments["reduction"]?.string {
      case "none": .none
      case "sum": .sum
      case "batchmean": .batchMean
      default: .mean
      }
    }
  }

  static let fixture = try? Fixture("torch-loss")

  /// All but CTC, which sums over alignments.
  static let cases: [Case] = (fixture?.config["cases"]?.members ?? []).compactMap { member in
    guard let operation = member.value["operation"]?.string,
      let arguments = member.value["arguments"], operation != "ctc_loss"
    else { return nil }
    return Case(name: member.name, operation: operation, arguments: arguments)
  }

  /// The loss of named operands in our functions.
  private func loss(_ example: Case, _ x: [String: Tensor]) -> Tensor? {
    let reduction = example.reduction
    func weights(_ argument: String) -> Tensor? {
      example.arguments[argument]?.string.flatMap { Self.fixture?[$0] }
    }
    guard let input = x["input"] ?? x["x1"] ?? x["anchor"] else { return nil }
    let target = x["target"] ?? input
    let axis = input.rank > 1 ? 1 : 0
    return switch example.operation {
    case "cross_entropy" where target.dataType.isFloatingPoint:
      crossEntropy(
        input, probabilities: target, axis: axis, smoothing: example.number("label_smoothing") ?? 0)
    case "cross_entropy":
      crossEntropy(
        input, target, axis: axis, weights: weights("weight"),
        smoothing: example.number("label_smoothing") ?? 0, reduction: reduction)
    case "nll_loss": negativeLogLikelihood(input, target, axis: axis, weights: weights("weight"))
    case "binary_cross_entropy": binaryCrossEntropy(input, target)
    case "binary_cross_entropy_with_logits":
      binaryCrossEntropy(logits: input, target, positiveWeights: weights("pos_weight"))
    case "kl_div":
      klDivergence(
        input, target, isLogarithm: example.isTrue("log_target"), reduction: reduction)
    case "mse_loss": meanSquaredError(input, target)
    case "l1_loss": meanAbsoluteError(input, target)
    case "smooth_l1_loss": smoothL1Loss(input, target, beta: example.number("beta") ?? 1)
    case "huber_loss": huberLoss(input, target, delta: example.number("delta") ?? 1)
    case "gaussian_nll_loss": gaussianNegativeLogLikelihood(input, target, variance: x["var"]!)
    case "poisson_nll_loss": poissonNegativeLogLikelihood(input, target)
    case "cosine_similarity": cosineSimilarity(input, x["x2"]!)
    case "cosine_embedding_loss":
      cosineEmbeddingLoss(input, x["x2"]!, target, margin: example.number("margin") ?? 0)
    case "hinge_embedding_loss": hingeEmbeddingLoss(input, target)
    case "triplet_margin_loss":
      tripletMarginLoss(
        anchor: input, positive: x["positive"]!, negative: x["negative"]!,
        margin: example.number("margin") ?? 1)
    default: nil
    }
  }

  @Test(arguments: cases)
  func `Losses and gradients are PyTorch's`(_ example: Case) throws {
    let fixture = try #require(Self.fixture)
    let names = fixture.names("input.\(example.name).").filter { !$0.hasPrefix("probe.") }
    let operands = names.map { name in
      Tensor(Alias(name), [fixture["input.\(example.name).\(name)"]!])
    }
    let result = try #require(loss(example, Dictionary(uniqueKeysWithValues: zip(names, operands))))
    let probe = try #require(fixture["input.\(example.name).probe.output"])
    let slopes = gradients(of: [result], seeds: [probe], by: operands)
    let expected = try #require(fixture["output.\(example.name).output"])
    #expect(isClose(result, expected, 1e-6), "\(result.floats()), not \(expected.floats())")

    let wanted = fixture.names("train.\(example.name).grad.")
    #expect(!wanted.isEmpty)
    for name in wanted {
      let place = try #require(names.firstIndex(of: name))
      let slope = try #require(slopes[place])
      let reference = fixture["train.\(example.name).grad.\(name)"]!
      #expect(isClose(slope, reference, 2e-6), "\(name): \(slope.floats()), \(reference.floats())")
    }
  }

  @Test func `The fixtures are there`() {
    #expect(Self.cases.count >= 25)
  }
}

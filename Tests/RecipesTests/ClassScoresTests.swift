import Recipes
import Testing

@Suite struct ClassScoresTests {
  /// Seven classes, four items: the true class is first, second, sixth, first.
  private let scores = ClassScores(
    logits: [
      [9, 1, 2, 3, 4, 5, 6], [0, 7, 8, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 7],
    ].flatMap { $0 }, labels: [0, 1, 1, 6])

  @Test func `top-1 and top-5 count places`() {
    #expect(scores.accuracy() == 0.5)
    #expect(scores.accuracy(top: 5) == 0.75)
    #expect(scores.accuracy(top: 6) == 1)
  }

  /// Answers are 0, 2, 6, 6. Class 0: F1 1. Class 1: none found, 0. Class 2: one wrong claim, 0. Class 6: precision ½,
  /// recall 1, F1 ⅔. Classes 3, 4 and 5 are in neither.
  @Test func `F1 is the mean over classes that are there`() {
    #expect(abs(scores.f1 - (1 + 0 + 0 + 2.0 / 3) / 4) < 1e-12)
  }

  @Test func `cross entropy is that of the probabilities`() {
    let two = ClassScores(logits: [0, 0, 1, 1], labels: [0, 1])
    #expect(abs(two.crossEntropy - 0.6931471805599453) < 1e-12)
    #expect(two.counts == [[1, 0], [1, 0]])
  }
}

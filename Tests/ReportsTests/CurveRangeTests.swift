import Reports
import Testing

@Suite struct CurveRangeTests {
  private func points(_ values: [Double]) -> [LearningCurve.Point] {
    values.enumerated().map { LearningCurve.Point(step: $0.offset * 10, value: $0.element) }
  }

  @Test func `a curve has a range whatever points it has`() {
    #expect(Axis.range(training: [], heldOut: [], steps: 10) == 0...1)
    #expect(Axis.range(training: [], heldOut: points([3]), steps: 10) == 3...3)
    #expect(Axis.range(training: points([5]), heldOut: [], steps: 10) == 5...5)
    let both = Axis.range(training: points([9, 4, 3, 2]), heldOut: points([3, 2]), steps: 40)
    #expect(both.lowerBound == 2)
  }
}

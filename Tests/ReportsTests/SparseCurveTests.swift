import Reports
import Testing

@Suite("Curves of few values")
struct SparseCurveTests {
  @Test(
    "are drawn whatever is missing",
    arguments: [0, 1, 2, 3], [0, 1, 2])
  func fewValues(heldOut: Int, training: Int) {
    func points(_ count: Int) -> [LearningCurve.Point] {
      (0..<count).map { LearningCurve.Point(step: 10 * ($0 + 1), value: Double(3 - $0)) }
    }
    let curve = LearningCurve(
      title: "Loss", unit: "nats", training: points(training), heldOut: points(heldOut),
      plannedSteps: 30)
    let method = MethodReport(
      recipe: "m", title: "M", family: "F", idea: "I", status: .trained, curves: [curve],
      command: "apus train m")
    let report = GalleryReport(
      version: "1", seed: 1, date: 0, machine: [], command: "apus gallery", methods: [method])
    #expect(GalleryPage.html(report).hasSuffix("</html>\n"))
  }
}

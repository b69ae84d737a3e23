import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// Batch and instance norms as PyTorch computed them, with the statistics after a training pass.
@Suite("Norm layers against PyTorch's fixtures")
struct NormFixturesTests {
  static let cases = Fixture.cases([
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d",
  ])

  @Test("outputs, gradients and running statistics", arguments: cases)
  func fixtures(_ entry: Fixture.Case) {
    let epsilon = entry.doubles("eps")?.first ?? 1e-5
    let isCumulative = entry.arguments["momentum"]?.isNull == true
    let momentum = isCumulative ? nil : entry.doubles("momentum")?.first ?? 0.1
    let channels = entry.integers("num_features")![0]
    let isBatch = entry.operation.hasPrefix("Batch")
    let isAffine = entry.isTrue("affine") ?? isBatch
    let tracks = entry.isTrue("track_running_stats") ?? isBatch
    if isBatch {
      check(
        BatchNorm(
          channels: channels, epsilon: epsilon, momentum: momentum, isAffine: isAffine,
          tracksStatistics: tracks), entry)
    } else {
      check(
        InstanceNorm(
          channels: channels, epsilon: epsilon, momentum: momentum, isAffine: isAffine,
          tracksStatistics: tracks), entry)
    }
  }

  private func check<L: Layer>(_ layer: L, _ entry: Fixture.Case) {
    let fixture = entry.fixture
    let layer = layer.replacingTensors(layer.leaves.map { entry.weight($0.name)! })
    for (mode, phase) in [
      ("eval", Phase.inference), ("train", .training(RandomKey(seed: 1))),
    ] {
      let name = "\(entry.name).\(mode)"
      func last(_ x: Tensor) -> Tensor { x.rank > 2 ? x.channelsLast : x }
      let x = last(fixture.tensor("input.\(name).x"))
      let probe = last(fixture.tensor("input.\(name).probe.output"))
      var after = layer
      let y = after(x, phase)
      #expect(distance(y, last(fixture.tensor("output.\(name).output"))) < 1e-5)
      for leaf in after.leaves where leaf.isBuffer && phase.isTraining {
        #expect(distance(leaf.tensor, fixture.tensor("output.\(name).\(leaf.name)")) < 1e-6)
      }
      let point = Pair(layer, x)
      let gradient = valueAndGradient(at: point) { (pair: Pair<L, Tensor>) in
        var pair = pair
        return (pair.first(pair.second, phase) * probe).sum()
      }.gradient
      #expect(distance(gradient.second, last(fixture.tensor("train.\(name).grad.x"))) < 2e-5)
      for leaf in gradient.first.leaves where !leaf.isBuffer {
        #expect(distance(leaf.tensor, fixture.tensor("train.\(name).grad.\(leaf.name)")) < 2e-5)
      }
    }
  }
}

import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// All norms as PyTorch computed them, with the statistics after a training pass.
@Suite("Norm layers against PyTorch's fixtures")
struct NormFixturesTests {
  static let cases = Fixture.cases([
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d",
    "InstanceNorm3d", "GroupNorm", "LayerNorm", "RMSNorm", "LocalResponseNorm",
  ])

  @Test("There are cases", .enabled(if: Fixture.areOwn))
  func present() { #expect(Self.cases.count >= 15) }

  @Test("outputs, gradients and running statistics", arguments: cases)
  func fixtures(_ entry: Fixture.Case) throws {
    func integer(_ name: String) throws -> Int { try #require(entry.integer(name)) }
    switch entry.operation {
    case "GroupNorm":
      try check(
        GroupNorm(
          groups: integer("num_groups"), channels: integer("num_channels"),
          epsilon: entry.double("eps") ?? 1e-5, isAffine: entry.isTrue("affine") ?? true), entry)
    case "LayerNorm":
      let isAffine = entry.isTrue("elementwise_affine") ?? true
      let shape = try #require(entry.integers("normalized_shape"))
      try check(
        LayerNorm(
          shape: shape, epsilon: entry.double("eps") ?? 1e-5, hasWeight: isAffine,
          hasBias: isAffine && entry.isTrue("bias") ?? true), entry, channelsSecond: false)
    case "RMSNorm":
      let shape = try #require(entry.integers("normalized_shape"))
      try check(
        RMSNorm(
          shape: shape, epsilon: entry.double("eps") ?? Double(Float.ulpOfOne),
          hasWeight: entry.isTrue("elementwise_affine") ?? true), entry, channelsSecond: false)
    case "LocalResponseNorm":
      try check(
        LocalResponseNorm(
          size: integer("size"), alpha: entry.double("alpha") ?? 1e-4,
          beta: entry.double("beta") ?? 0.75, k: entry.double("k") ?? 1), entry)
    default: try checkStatistics(entry)
    }
  }

  /// Batch and instance norms.
  private func checkStatistics(_ entry: Fixture.Case) throws {
    let epsilon = entry.double("eps") ?? 1e-5
    let isCumulative = entry.arguments["momentum"]?.isNull == true
    let momentum = isCumulative ? nil : entry.double("momentum") ?? 0.1
    let channels = try #require(entry.integer("num_features"))
    let isBatch = entry.operation.hasPrefix("Batch")
    let isAffine = entry.isTrue("affine") ?? isBatch
    let tracks = entry.isTrue("track_running_stats") ?? isBatch
    if isBatch {
      try check(
        BatchNorm(
          channels: channels, epsilon: epsilon, momentum: momentum, isAffine: isAffine,
          tracksStatistics: tracks), entry)
    } else {
      try check(
        InstanceNorm(
          channels: channels, epsilon: epsilon, momentum: momentum, isAffine: isAffine,
          tracksStatistics: tracks), entry)
    }
  }

  private func check<L: Layer>(
    _ form: L, _ example: Fixture.Case, channelsSecond: Bool = true
  ) throws {
    let layer = try example.weights(into: form)
    for (mode, phase) in [
      ("eval", Phase.inference), ("train", .training(RandomKey(seed: 1))),
    ] {
      let entry = example.used(mode)
      func last(_ x: Tensor) -> Tensor { channelsSecond && x.rank > 2 ? x.channelsLast : x }
      let x = try last(entry.input("x"))
      let probe = try last(entry.probe("output"))
      var after = layer
      let y = after(x, phase)
      #expect(try distance(y, last(entry.output("output"))) < 1e-5)
      for leaf in after.leaves where leaf.isBuffer && phase.isTraining {
        #expect(try distance(leaf.tensor, entry.output(leaf.name)) < 1e-6)
      }
      let gradient = valueAndGradient(at: Pair(layer, x)) { (pair: Pair<L, Tensor>) in
        var pair = pair
        return (pair.first(pair.second, phase) * probe).sum()
      }.gradient
      let slopes =
        [("x", gradient.second)]
        + gradient.first.leaves.filter { !$0.isBuffer }.map { ($0.name, $0.tensor) }
      for (name, slope) in slopes {
        let expected = try #require(entry.gradient(name), "no gradient by \(name)")
        #expect(distance(slope, name == "x" ? last(expected) : expected) < 2e-5, "by \(name)")
      }
    }
  }
}

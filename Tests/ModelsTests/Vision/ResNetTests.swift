import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct ResNetTests {
  static let key = RandomKey(seed: 1)

  @Test(arguments: [
    (ResNetConfiguration.resnet18, 11_689_512), (.resnet34, 21_797_672), (.resnet50, 25_557_032),
    (.resnet101, 44_549_160), (.resnet152, 60_192_808), (.resnext50, 25_028_904),
    (.wideResnet50, 68_883_240),
    (.init(block: .basic, layers: [2, 2, 2, 2], stem: .small, classes: 10), 11_173_962),
  ]) func hasAsManyParametersAsPublished(_ configuration: ResNetConfiguration, _ count: Int) {
    #expect(ResNet(configuration, key: Self.key).parameterCount == count)
  }

  @Test func namesAllItsTensors() {
    let configuration = ResNetConfiguration(block: .bottleneck, layers: [1, 2], widths: [4, 8])
    #expect(forgottenTensors(in: ResNet(configuration, key: Self.key)) == [])
  }

  /// With nothing added, only the pooled stem and the projections of the shortcuts are left.
  @Test func withoutBranchesOnlyProjectionsAreLeft() {
    let model = ResNet(
      ResNetConfiguration(
        block: .bottleneck, layers: [2, 2], widths: [4, 6], classes: 3, zeroInitialResiduals: true),
      key: Self.key)
    let x = Self.key.fork(1).normal([2, 17, 20, 3])
    func normalized(_ x: Tensor) -> Tensor { x / (1 + 1e-5).squareRoot() }
    func projection(_ x: Tensor, _ stage: Int, _ stride: Int) -> Tensor {
      let weight = model.stages[stage][0].downsample!.convolution.weight
      return normalized(convolution(x, weight, stride: [stride])).relu()
    }
    let stem = normalized(
      convolution(x, model.conv1.weight, stride: [2], padding: .symmetric([3]))
    ).relu()
    let pooled = maxPooling(stem, size: [3], stride: [2], padding: .symmetric([1]))
    let left = projection(projection(pooled, 0, 1), 1, 2).mean([1, 2])
    #expect(distance(model(x), model.fc!(left)) < 1e-5)
  }

  @Test func runningStatisticsAndBatchesChangeInTrainingOnly() {
    var model = ResNet(
      ResNetConfiguration(block: .basic, layers: [1], widths: [4], classes: 3), key: Self.key)
    let x = Self.key.fork(2).normal([2, 16, 16, 3])
    _ = model(x)
    #expect(model.bn1.statistics?.batchCount.doubles() == [0])
    _ = model(x, .training(Self.key))
    #expect(model.bn1.statistics?.batchCount.doubles() == [1])
    #expect(model.stages[0][0].bn2.statistics?.batchCount.doubles() == [1])
  }
}

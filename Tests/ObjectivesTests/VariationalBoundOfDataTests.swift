import Layers
import Models
import Objectives
import Tensors
import Testing

@Suite struct VariationalBoundOfDataTests {
  /// One call an item gives the same mean as all terms of every item, and tells its own error.
  @Test func aTimeForEachItemGivesTheMeanOfAllTerms() {
    let process = DiffusionProcess(NoiseSchedule(.linear, steps: 20, range: 1e-3...0.3))
    let network = MixtureDenoiser(
      process, weights: Tensor([1.0]), means: Tensor([0.2], shape: [1, 1]),
      deviations: Tensor([0.5]))
    let bound = VariationalBound(process, decoder: .density, limit: nil)
    func data(_ key: RandomKey, _ count: Int) -> Tensor {
      key.normal([count, 1], .float64) * 0.5 + 0.2
    }
    let all = bound(network, data(RandomKey(seed: 1), 20_000), key: RandomKey(seed: 2))
    let expected = all.mean().scalar
    let error = (all.variance().scalar / 20_000).squareRoot()

    var squares = 0.0
    for repetition in 0..<30 {
      let key = RandomKey(seed: UInt64(3 + repetition))
      let (nats, own, count) = bound.mean(of: network, count: 2000, size: 300, key: key.fork(0)) {
        data(key.fork(1).fork($0.lowerBound), $0.count)
      }
      #expect(count == 300 + 19 * 100)
      #expect(abs(nats - expected) < 5 * (own + error))
      squares += (nats - expected) * (nats - expected) / (own * own + error * error)
    }
    // Squares of 30 standard normal numbers, within five of their deviations.
    #expect(abs(squares / 30 - 1) < 5 * (2.0 / 30).squareRoot())
  }
}

internal import Layers
public import Models
public import Tensors

extension VariationalBound {
  /// The mean bound over data in nats, from one network call an item: times above 0 are visited equally often, so that
  /// only the differences between items are left to chance; time 0, whose term is the largest, by `size` items or more.
  ///
  /// - Parameters:
  ///   - count: how many items for times above 0; at least two for each, else twice as many as times are asked for.
  ///   - size: items of one network call.
  ///   - items: the data of so many places, which may repeat: [places, …].
  /// - Returns: the mean, its standard error for other noise and other items of the same kind, and how many items were
  ///   asked for.
  public func mean<D: Denoiser>(
    of network: D, count: Int, size: Int, key: RandomKey, _ items: (Range<Int>) -> Tensor
  ) -> (nats: Double, error: Double, count: Int) {
    let (later, rounds) = (process.count - 1, max(2, count / process.count))
    var priors: [Double] = []
    func terms(
      _ places: Range<Int>, size: Int, key: RandomKey, time: (Int) -> Int,
      _ each: @escaping @Sendable (Tensor, Tensor, Tensor) -> Tensor
    ) -> [Double] {
      let measure = compiled { (network: D, input: Pair<Pair<Tensor, Tensor>, RandomKey>) in
        let (clean, time) = (input.first.first, input.first.second)
        let noise = input.second.normal(clean.shape, clean.dataType)
        let term = each(clean, guess(network, clean, noise: noise, at: time), time)
        return Pair(prior(clean), term.reshaped([clean.shape[0], -1]).sum([1]))
      }
      return stride(from: places.lowerBound, to: places.upperBound, by: size).flatMap { start in
        let part = start..<min(start + size, places.upperBound)
        let times = Tensor(part.map { Int32(time($0)) })
        let values = measure(network, Pair(Pair(items(part), times), key.fork(start)))
        priors += values.first.doubles()
        return values.second.doubles()
      }
    }
    let first = terms(0..<max(size, rounds), size: min(size, 50), key: key.fork(0)) { _ in
      0
    } _: { clean, guess, _ in
      decoding(clean, from: guess)
    }
    let rest = terms(0..<rounds * later, size: size, key: key.fork(1)) {
      1 + $0 % later
    } _: {
      divergence($0, $1, at: $2)
    }
    let decoded = Tensor(first)
    var total = decoded.mean().scalar + Tensor(priors).mean().scalar
    var variance = decoded.variance([0], unbiased: true).scalar / Double(first.count)
    if later > 0 {
      let table = Tensor(rest, shape: [rounds, later])
      total += table.mean([0]).sum().scalar
      variance += table.variance([0], unbiased: true).sum().scalar / Double(rounds)
    }
    return (total, variance.squareRoot(), first.count + rest.count)
  }
}

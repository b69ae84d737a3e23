internal import Layers
public import Models
public import Tensors

extension VariationalBound {
  /// The mean bound over data in nats, from one network call an item: item i is asked about at time i mod T, so that all
  /// terms are visited equally often and only the differences between items are left to chance.
  ///
  /// - Parameters:
  ///   - count: how many items; at least two for each time, else T times two are asked for.
  ///   - size: items of one network call.
  ///   - items: the data of so many places, which may repeat: [places, …].
  /// - Returns: the mean, its standard error for other noise and other items of the same kind, and how many items were
  ///   asked for: as many for each time.
  public func mean<D: Denoiser>(
    of network: D, count: Int, size: Int, key: RandomKey, _ items: (Range<Int>) -> Tensor
  ) -> (nats: Double, error: Double, count: Int) {
    let rounds = max(2, count / process.count)
    let measure = compiled { (network: D, input: Pair<Pair<Tensor, Tensor>, RandomKey>) in
      let (clean, time) = (input.first.first, input.first.second)
      let noise = input.second.normal(clean.shape, clean.dataType)
      return Pair(prior(clean), term(network, clean, noise: noise, at: time))
    }
    var (priors, terms): ([Double], [Double]) = ([], [])
    for start in stride(from: 0, to: rounds * process.count, by: size) {
      let places = start..<min(start + size, rounds * process.count)
      let times = Tensor(places.map { Int32($0 % process.count) })
      let values = measure(network, Pair(Pair(items(places), times), key.fork(start)))
      priors += values.first.doubles()
      terms += values.second.doubles()
    }
    let table = Tensor(terms, shape: [rounds, process.count])
    let variance = table.variance([0], unbiased: true).sum().scalar / Double(rounds)
    let total = table.mean([0]).sum().scalar + Tensor(priors).mean().scalar
    return (total, variance.squareRoot(), rounds * process.count)
  }
}

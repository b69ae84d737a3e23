internal import Layers
public import Models
public import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Copies of each chain on a ladder from a model to an easier one, which change places by Metropolis' rule (Swendsen and
/// Wang 1986; Geyer 1991): what the easy end finds climbs down to the model.
///
/// States are those of every rung, [rungs · chains, …], rung by rung, the model's own first; see `states` and `own`.
public struct ParallelTempering<Base: EnergyModel, Target: EnergyModel, Inner: MarkovKernel>:
  MarkovKernel
where Inner.Model == EnergyPath<Base, Target> {
  public typealias Model = EnergyPath<Base, Target>

  /// How chains move on their rungs.
  public var inner: Inner
  /// The path's shares of each rung, from 1 downwards.
  public var shares: [Double]

  public init(_ inner: Inner, shares: [Double]) {
    guard shares.first == 1, zip(shares, shares.dropFirst()).allSatisfy({ $0 > $1 && $1 >= 0 })
    else { fail("the shares of a ladder fall from 1, not \(shares)") }
    self.inner = inner
    self.shares = shares
  }

  /// So many rungs whose shares fall by one factor, from 1 to `lowest`.
  public init(_ inner: Inner, rungs: Int, lowest: Double) {
    self.init(
      inner, shares: (0..<rungs).map { pow(lowest, Double($0) / Double(max(rungs - 1, 1))) })
  }

  /// Copies of the same states on all rungs.
  public func states(_ states: Tensor) -> Tensor {
    concatenate([Tensor](repeating: states, count: shares.count))
  }

  /// The states of the model itself, [chains, …], of those of all rungs.
  public func own(_ states: Tensor) -> Tensor {
    states.sliced(0, 0..<(states.shape[0] / shares.count))
  }

  /// The path with the share of every row.
  private func ladder(_ model: Model, _ states: Tensor) -> Model {
    guard states.shape[0] % shares.count == 0 else {
      fail("\(states.shape[0]) states do not stand on \(shares.count) rungs")
    }
    let each = states.shape[0] / shares.count
    var model = model
    model.share = Tensor(shares, shape: [shares.count, 1]).broadcast(to: [shares.count, each])
      .reshaped([states.shape[0]]).cast(to: states.dataType)
    return model
  }

  public func move(_ chains: inout Chains, of model: Model, _ key: RandomKey) -> MoveReport {
    let ladder = ladder(model, chains.states)
    var climbing = inner.chains(at: chains.states, of: ladder)
    var report = inner.move(&climbing, of: ladder, key.fork(0))
    (chains.states, report.exchange) = exchanged(climbing.states, ladder, key.fork(1))
    return report
  }

  /// Exchanges rungs 1 and 2, 3 and 4, … of some chains, and 2 and 3, 4 and 5, … of the others.
  ///
  /// - Returns: the states, and each row's probability of exchange, 0 where it has no partner.
  package func exchanged(
    _ states: Tensor, _ ladder: Model, _ key: RandomKey
  ) -> (states: Tensor, probability: Tensor) {
    let (rungs, each) = (shares.count, states.shape[0] / shares.count)
    func partners(_ first: Int) -> Tensor {
      let row = (0..<rungs).map { rung in
        let other = (rung - first) % 2 == 0 ? rung + 1 : rung - 1
        return Int32(rung < first || !(0..<rungs).contains(other) ? rung : other)
      }
      return Tensor(row, shape: [rungs, 1]).broadcast(to: [rungs, each])
    }
    let isEven = key.fork(0).bernoulli(0.5, [1, each]).broadcast(to: [rungs, each])
    let rung = Tensor.indices([rungs, each], axis: 0)
    let partner = select(isEven, partners(0), partners(1))
    let difference = ladder.difference(states).reshaped([rungs, each])
    let share = ladder.share.reshaped([rungs, each])
    let logRatio =
      (share - share.takeAlong(0, partner))
      * (difference - difference.takeAlong(0, partner))
    let probability = select(
      partner.equal(to: rung).or(logRatio.isNaN()), logRatio.zerosLike(),
      minimum(logRatio, 0).exp())
    // Both partners read the same number: that of the lower rung.
    let number = key.fork(1).uniform([rungs, each], share.dataType)
      .takeAlong(0, minimum(rung, partner))
    let from = select(number.less(than: probability), partner, rung)
    let rows =
      from * Tensor.fill(integer: Int64(each), from.shape, .int32)
      + Tensor.indices([rungs, each], axis: 1)
    return (states.rows(rows.reshaped([rungs * each])), probability.reshaped([rungs * each]))
  }
}

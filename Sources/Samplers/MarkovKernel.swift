public import Layers
public import Tensors

/// Markov chains side by side, and what their kernel remembers of their states.
public struct Chains: Module {
  /// [chains, …].
  public var states: Tensor
  /// U at the states, [chains].
  public var energies: Tensor?
  /// ∇U at the states.
  public var slopes: Tensor?

  public init(_ states: Tensor, energies: Tensor? = nil, slopes: Tensor? = nil) {
    self.states = states
    self.energies = energies
    self.slopes = slopes
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("states", &states)
    visitor("energies", &energies)
    visitor("slopes", &slopes)
  }

  /// Takes candidates where their probability says so; the others stay and count once more.
  ///
  /// - Parameters:
  ///   - logRatio: the logarithm of each candidate's probability of acceptance, [chains]; above 0 is certain, and a NaN is
  ///     never taken.
  /// - Returns: the probabilities, [chains].
  mutating func take(_ candidates: Chains, logRatio: Tensor, _ key: RandomKey) -> Tensor {
    let probability = select(
      logRatio.isNaN(), logRatio.zerosLike(), minimum(logRatio, 0).exp())
    let isTaken = key.bernoulli(probability)
    self = zipTensors(candidates) { old, new in select(isTaken.perRow(of: old), new, old) }
    return probability
  }
}

/// What a move tells of itself.
public struct MoveReport: Module {
  /// The probability with which each chain's candidate was taken, [chains]; 1 where every move is.
  public var acceptance: Tensor
  /// The probability with which neighbours of a ladder of temperatures were exchanged, [chains].
  public var exchange: Tensor?

  public init(acceptance: Tensor, exchange: Tensor? = nil) {
    self.acceptance = acceptance
    self.exchange = exchange
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("acceptance", &acceptance)
    visitor("exchange", &exchange)
  }
}

/// A random move that leaves a model's distribution as it is: repeated for long, it draws from it.
public protocol MarkovKernel<Model>: Sendable {
  associatedtype Model: Module

  /// Chains that stand at these states, [chains, …].
  func chains(at states: Tensor, of model: Model) -> Chains
  /// Moves every chain once. No gradient flows through it.
  func move(_ chains: inout Chains, of model: Model, _ key: RandomKey) -> MoveReport
}

extension MarkovKernel {
  public func chains(at states: Tensor, of model: Model) -> Chains { Chains(states) }

  /// Moves every chain so many times, in one loop.
  ///
  /// - Returns: the mean reports of the moves.
  @discardableResult
  public func run(
    _ chains: inout Chains, of model: Model, moves: Int, _ key: RandomKey
  ) -> MoveReport {
    let result = scan(chains, over: Tensor.range(moves, .int64)) { chains, number in
      move(&chains, of: model, key.fork(number))
    }
    chains = result.carry
    return result.outputs.mapTensors { $0.mean([0]) }
  }

  /// The states that chains reach in so many moves, [chains, …], without a gradient.
  public func moved(
    _ states: Tensor, of model: Model, moves: Int, _ key: RandomKey
  ) -> Tensor {
    var chains = chains(at: states, of: model)
    run(&chains, of: model, moves: moves, key)
    return chains.states.stopped()
  }

  /// The states of every chain as it moves.
  ///
  /// - Parameters:
  ///   - moves: states to keep.
  ///   - thinning: moves from one kept state to the next.
  /// - Returns: the states, [moves, chains, …], and the mean reports.
  public func trace(
    _ chains: inout Chains, of model: Model, moves: Int, thinning: Int = 1, _ key: RandomKey
  ) -> (states: Tensor, report: MoveReport) {
    let result = scan(chains, over: Tensor.range(moves, .int64)) { chains, number in
      let report = run(&chains, of: model, moves: thinning, key.fork(number))
      return Pair(chains.states, report)
    }
    chains = result.carry
    return (result.outputs.first, result.outputs.second.mapTensors { $0.mean([0]) })
  }
}

extension Tensor {
  /// One number for all rows of x or one for each, [] or [batch], in a shape that broadcasts over x, [batch, …].
  func perRow(of x: Tensor) -> Tensor {
    if count == 1 { return reshaped([Int](repeating: 1, count: x.rank)) }
    guard shape == [x.shape[0]] else {
      fail("\(shape) is neither one number nor one for each of \(x.shape[0]) chains")
    }
    return reshaped(shape + [Int](repeating: 1, count: x.rank - 1))
  }

  /// The sum of squares of every row, [batch].
  func squaredLength() -> Tensor { square().reshaped([shape[0], -1]).sum([1]) }
}

internal import Foundation
public import Layers
public import Models
public import Tensors

/// Solves differential equations by a method of fifth order whose difference from one of fourth order says how long a step
/// may be (Dormand and Prince 1980).
public struct DormandPrince: Sendable {
  /// The error that a step may make, relative to a number's size, and besides.
  public var relativeTolerance: Double
  public var absoluteTolerance: Double
  /// Steps, refused ones included, after which the equation counts as not solvable.
  public var mostSteps: Int

  public init(
    relativeTolerance: Double = 1e-5, absoluteTolerance: Double = 1e-5, mostSteps: Int = 10_000
  ) {
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
    self.mostSteps = mostSteps
  }

  /// Why an equation has not been solved.
  public enum Failure: Error, CustomStringConvertible, Sendable {
    /// The steps ran out, or became too small to change the time.
    case tooManySteps(Int, time: Double)

    public var description: String {
      switch self {
      case .tooManySteps(let count, let time):
        "the equation is not solved after \(count) steps, at time \(time): larger tolerances or more steps may help"
      }
    }
  }

  /// A solved equation.
  public struct Solution<State: Module>: Sendable {
    public let state: State
    /// Steps that were taken, and tried ones that were too long.
    public let taken: Int
    public let refused: Int
  }

  /// The state at time `to` of what starts at time `from` and changes by `rates` in a unit of time.
  ///
  /// - Parameters:
  ///   - model: what the rates depend on.
  ///   - rates: gives a state's tensors' rates at a time, shape []; it is compiled.
  public func solve<Model: Module, State: Module>(
    _ model: Model, _ start: State, from begin: Double, to end: Double,
    rates: @escaping @Sendable (_ model: Model, _ state: State, _ time: Tensor) -> State
  ) throws(Failure) -> Solution<State> {
    let step = step(rates)
    var (state, time) = (start, begin)
    var size = (end - begin) / 20
    var (taken, refused) = (0, 0)
    while time != end {
      if abs(end - time) <= abs(size) * (1 + 1e-9) { size = end - time }
      guard taken + refused < mostSteps, time + size != time else {
        throw .tooManySteps(taken + refused, time: time)
      }
      let times = Tensor([time, size], shape: [2])
      let result = step(model, Pair(state, times))
      let error = result.second.scalar
      if error <= 1 {
        state = result.first
        time = size == end - time ? end : time + size
        taken += 1
      } else {
        refused += 1
      }
      // An error that is no number comes of a step that was far too long.
      let growth = error.isFinite ? 0.9 * pow(max(error, 1e-10), -0.2) : 0.1
      size *= min(5, max(0.1, growth))
    }
    return Solution(state: state, taken: taken, refused: refused)
  }

  /// The state after a step, and the error as a part of what it may be.
  private func step<Model: Module, State: Module>(
    _ rates: @escaping @Sendable (Model, State, Tensor) -> State
  ) -> @Sendable (Model, Pair<State, Tensor>) -> Pair<State, Tensor> {
    let (relative, absolute) = (relativeTolerance, absoluteTolerance)
    return compiled { (model: Model, input: Pair<State, Tensor>) in
      let state = input.first
      let (time, size) = (input.second.element(0, 0), input.second.element(0, 1))
      var slopes: [State] = []
      func sum(_ weights: [Double]) -> State {
        let used = zip(slopes, weights).filter { $0.1 != 0 }
        guard let first = used.first else { return state.mapTensors { $0.zerosLike() } }
        let start = first.0.mapTensors { $0 * first.1 }
        let total = used.dropFirst().reduce(start) { sum, part in
          sum.zipTensors(part.0) { $0 + $1 * part.1 }
        }
        return total.mapTensors { $0 * size.cast(to: $0.dataType) }
      }
      for (node, weights) in zip(Self.nodes, Self.weights) {
        slopes.append(
          rates(model, state.zipTensors(sum(weights)) { $0 + $1 }, time + size * node))
      }
      let next = state.zipTensors(sum(Self.weights[6])) { $0 + $1 }
      let parts = zip(zip(sum(Self.errors).tensors, state.tensors), next.tensors).map {
        error, after in
        let scale = maximum(error.1.abs(), after.abs()) * relative + absolute
        return (error.0 / scale).square().sum().cast(to: .float64)
      }
      let count = state.tensors.map(\.count).reduce(0, +)
      let total = parts.dropFirst().reduce(parts[0], +)
      return Pair(next, (total / Double(max(count, 1))).sqrt())
    }
  }

  private static let nodes = [0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1]

  /// What the slopes so far count for in the state at each node; the last is the step itself.
  private static let weights: [[Double]] = [
    [], [1.0 / 5], [3.0 / 40, 9.0 / 40], [44.0 / 45, -56.0 / 15, 32.0 / 9],
    [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
    [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
    [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
  ]

  /// The step's weights without those of the method of fourth order.
  private static let errors: [Double] = [
    71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40,
  ]
}

extension DormandPrince {
  /// Where a continuous flow's points come from, and the logarithms of their densities in nats: [batch, width] and [batch].
  /// - Parameter probe: as for `ContinuousFlow.forward`; nil: the exact trace.
  public func forward<Field: VelocityField>(
    _ flow: ContinuousFlow<Field>, _ x: Tensor, probe: Tensor? = nil
  ) throws(Failure) -> (z: Tensor, logProbability: Tensor) {
    let start = Pair(x, Tensor.zeros([x.shape[0]], x.dataType))
    let solution = try solve(Pair(flow.field, probe), start, from: 1, to: 0) {
      ContinuousFlow.rates($0.first, $1, at: $2, probe: $0.second)
    }
    let (z, logDeterminant) = (solution.state.first, solution.state.second)
    return (z, DiagonalGaussian.standardLogProbability(of: z) + logDeterminant)
  }

  /// The points that noise [batch, width] becomes.
  public func inverse<Field: VelocityField>(
    _ flow: ContinuousFlow<Field>, _ z: Tensor
  ) throws(Failure) -> Tensor {
    try solve(flow.field, z, from: 0, to: 1) { $0($1, at: $2) }.state
  }
}

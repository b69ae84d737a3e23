public import Layers
public import Tensors

/// Where a point moves at a time.
public protocol VelocityField: Module {
  /// Velocities of points [batch, width] at a time, shape []. Every point's depends on that point alone.
  func callAsFunction(_ x: Tensor, at time: Tensor) -> Tensor
}

/// A velocity field of linear layers with tanh, which sees the time beside the point: [batch, width].
public struct PerceptronField: VelocityField {
  public var layers: [Linear]

  /// The last layer begins with zeros: nothing moves.
  public init(width: Int, hidden: [Int], key: RandomKey) {
    let sizes = [width + 1] + hidden + [width]
    layers = zip(sizes, sizes.dropFirst()).enumerated().map { i, pair in
      Linear(inputs: pair.0, outputs: pair.1, key: key.fork(i))
    }
    let last = layers.count - 1
    layers[last] = layers[last].mapTensors { $0.zerosLike() }
  }

  public func callAsFunction(_ x: Tensor, at time: Tensor) -> Tensor {
    let times = time.cast(to: x.dataType).broadcast(to: [x.shape[0], 1])
    let start = concatenate([x, times], axis: 1)
    let inner = layers.dropLast().reduce(start) { x, layer in layer(x).tanh() }
    return layers[layers.count - 1](inner)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor("layers", &layers) }
}

/// Points that move through a field from time 0, where they are noise, to time 1, where they are data (Chen et al.,
/// arXiv:1806.07366; FFJORD, arXiv:1810.01367): [batch, width].
///
/// The logarithm of a volume changes by the trace of the field's Jacobian (eq. 8 of the first). Both are integrated by
/// the classical Runge–Kutta method in steps of one size, whose error falls with the fourth power of the step;
/// `DormandPrince` chooses its steps itself.
public struct ContinuousFlow<Field: VelocityField>: FlowModel {
  public var field: Field
  public let steps: Int

  public init(_ field: Field, steps: Int) {
    self.field = field
    self.steps = steps
  }

  /// A point's place and the logarithm of how its volume has changed: [batch, width] and [batch].
  public typealias Motion = Pair<Tensor, Tensor>

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    forward(x, probe: nil)
  }

  /// - Parameter probe: numbers of mean 0 and variance 1, [batch, width], with which the trace is estimated without bias
  ///   (Hutchinson 1990), in one backward pass instead of one for every number; nil: the exact trace.
  public func forward(_ x: Tensor, probe: Tensor?) -> (z: Tensor, logDeterminant: Tensor) {
    let start = Motion(x, .zeros([x.shape[0]], x.dataType))
    let end = integrated(start, from: 1, to: 0) { motion, time in
      Self.rates(field, motion, at: time, probe: probe)
    }
    return (end.first, end.second)
  }

  public func inverse(_ z: Tensor) -> Tensor {
    integrated(z, from: 0, to: 1) { field($0, at: $1) }
  }

  /// What a motion changes by in a unit of time: the velocities, and the traces of their Jacobians.
  public static func rates(
    _ field: Field, _ motion: Motion, at time: Tensor, probe: Tensor? = nil
  ) -> Motion {
    let x = motion.first
    let (batch, width) = (x.shape[0], x.shape[1])
    func slopes(_ x: Tensor, along seed: Tensor) -> (velocity: Tensor, products: Tensor) {
      let point = x + x.zerosLike()
      let velocity = field(point, at: time)
      let slope = gradients(of: [velocity], seeds: [seed], by: [point])[0]
      return (velocity, (slope ?? seed.zerosLike()) * seed)
    }
    if let probe {
      let (velocity, products) = slopes(x, along: probe)
      return Motion(velocity, products.sum([1]))
    }
    // Every point once for each of its numbers.
    let seeds = Tensor.identity(width, x.dataType).expanded(1)
      .broadcast(to: [width, batch, width]).flattened(0..<2)
    let copies = x.broadcast(to: [width, batch, width]).flattened(0..<2)
    let (velocity, products) = slopes(copies, along: seeds)
    return Motion(
      velocity.sliced(0, 0..<batch), products.sum([1]).reshaped([width, batch]).sum([0]))
  }

  private func integrated<State: Module>(
    _ start: State, from begin: Double, to end: Double, _ rates: (State, Tensor) -> State
  ) -> State {
    let size = (end - begin) / Double(steps)
    let type = start.tensors[0].dataType
    let times = Tensor.range(steps, type) * size + begin
    return scan(start, over: times) { state, time in
      func moved(by share: Double, _ rate: State) -> State {
        state.zipTensors(rate) { $0 + $1 * (share * size) }
      }
      let first = rates(state, time)
      let second = rates(moved(by: 0.5, first), time + size / 2)
      let third = rates(moved(by: 0.5, second), time + size / 2)
      let fourth = rates(moved(by: 1, third), time + size)
      let ends = first.zipTensors(fourth) { $0 + $1 }
      let middle = second.zipTensors(third) { ($0 + $1) * 2 }
      state = moved(by: 1.0 / 6, ends.zipTensors(middle) { $0 + $1 })
      return Nothing()
    }.carry
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("field", &field)
    visitor.fixed("steps", steps)
  }
}

public import Layers
public import Tensors

/// An invertible function whose change of volume is known.
public protocol Flow: Module {
  /// The image of every example, and log |det ∂z/∂x| in nats, [batch].
  func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor)
  /// The example of every image.
  func inverse(_ z: Tensor) -> Tensor
}

/// Flows of one type, one after the other.
extension Array: Flow where Element: Flow {
  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    var z = x
    var sum: Tensor?
    for flow in self {
      let step = flow.forward(z)
      z = step.z
      sum = sum.map { $0 + step.logDeterminant } ?? step.logDeterminant
    }
    return (z, sum ?? .zeros([x.shape[0]], x.dataType))
  }

  public func inverse(_ z: Tensor) -> Tensor { reversed().reduce(z) { $1.inverse($0) } }
}

/// A density made by bending the standard normal one: log p(x) = log N(f(x)) + log |det ∂f/∂x|.
public protocol FlowModel: Flow, ProbabilityModel {}

extension FlowModel {
  public func logProbability(of x: Tensor) -> Tensor {
    let (z, logDeterminant) = forward(x)
    return DiagonalGaussian.standardLogProbability(of: z.flattened(1..<z.rank)) + logDeterminant
  }
}

/// Flows of any types, one after the other.
public struct FlowChain: FlowModel {
  public var flows: [any Flow]

  public init(_ flows: [any Flow]) { self.flows = flows }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    flows.reduce((x, .zeros([x.shape[0]], x.dataType))) { result, flow in
      let step = flow.forward(result.z)
      return (step.z, result.logDeterminant + step.logDeterminant)
    }
  }

  public func inverse(_ z: Tensor) -> Tensor { flows.reversed().reduce(z) { $1.inverse($0) } }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.fixed("types", flows.map { ObjectIdentifier(type(of: $0)) })
    for i in flows.indices {
      if visitor.mode == .replace {
        visitor.named("", &flows[i])
      } else {
        var flow = flows[i]
        visitor.named("\(i)", &flow)
      }
    }
  }
}

public import Layers
public import Tensors

/// What a flow of vectors is made of.
public enum VectorFlowKind: String, Codable, Hashable, Sendable, CaseIterable {
  /// Couplings that shift, and one scale for every number (Dinh et al., arXiv:1410.8516).
  case nice
  /// Couplings that shift and scale (Dinh et al., arXiv:1605.08803).
  case realnvp
  /// Masked autoregressive flow: densities in one pass (Papamakarios et al., arXiv:1705.07057).
  case maf
  /// Inverse autoregressive flow: samples in one pass (Kingma et al., arXiv:1606.04934).
  case iaf
  /// Couplings by splines (Durkan et al., arXiv:1906.04032).
  case spline
  /// Splines whose form is read off the numbers before.
  case autoregressiveSpline = "autoregressive-spline"
  /// A field that points move in (Chen et al., arXiv:1806.07366).
  case continuous
}

/// Sizes of a flow of vectors.
public struct VectorFlowConfiguration: Codable, Hashable, Sendable {
  public var kind: VectorFlowKind
  /// Numbers of an example.
  public var width: Int
  /// Couplings or autoregressive layers.
  public var layers: Int
  /// Units of the hidden layers of each of them, or of the field.
  public var hidden: [Int]
  /// Bins of a spline.
  public var bins: Int
  /// Splines bend numbers within ±limit.
  public var limit: Double
  /// Steps of the integration of a continuous flow.
  public var integrationSteps: Int

  public init(
    kind: VectorFlowKind, width: Int, layers: Int = 8, hidden: [Int] = [64, 64], bins: Int = 8,
    limit: Double = 5, integrationSteps: Int = 8
  ) {
    (self.kind, self.width, self.layers, self.hidden) = (kind, width, layers, hidden)
    (self.bins, self.limit, self.integrationSteps) = (bins, limit, integrationSteps)
  }
}

/// A flow of vectors of any kind: [batch, width].
public struct VectorFlow: FlowModel {
  public var flows: FlowChain

  public init(_ configuration: VectorFlowConfiguration, key: RandomKey) {
    let spline = ElementwiseMap.spline(bins: configuration.bins, limit: configuration.limit)
    let (width, hidden) = (configuration.width, configuration.hidden)
    func couplings(_ map: ElementwiseMap) -> [any Flow] {
      (0..<configuration.layers).map {
        Coupling(width: width, map: map, hidden: hidden, key: key.fork($0))
      }
    }
    func autoregressive(_ map: ElementwiseMap) -> [AutoregressiveFlow] {
      (0..<configuration.layers).map {
        AutoregressiveFlow(width: width, map: map, hidden: hidden, key: key.fork($0))
      }
    }
    /// Behind each layer the numbers change their order.
    func reversing(_ layers: [any Flow]) -> FlowChain {
      FlowChain(layers.flatMap { [$0, Reversal()] as [any Flow] })
    }
    switch configuration.kind {
    case .nice: flows = FlowChain(couplings(.shift) + [ElementwiseAffine(shape: [width])])
    case .realnvp:
      flows = FlowChain(
        RealNVP(
          .init(width: width, couplings: configuration.layers, hidden: hidden), key: key
        ).couplings)
    case .maf: flows = reversing(autoregressive(.affine()))
    case .iaf: flows = reversing(autoregressive(.affine()).map(Inverted.init))
    case .spline: flows = FlowChain(couplings(spline))
    case .autoregressiveSpline: flows = reversing(autoregressive(spline))
    case .continuous:
      let field = PerceptronField(width: width, hidden: hidden, key: key)
      flows = FlowChain([ContinuousFlow(field, steps: configuration.integrationSteps)])
    }
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) { flows.forward(x) }

  public func inverse(_ z: Tensor) -> Tensor { flows.inverse(z) }

  public mutating func visit(_ visitor: inout Visitor) { visitor("flows", &flows) }
}

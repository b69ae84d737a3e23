public import Layers
public import Tensors

/// Sizes of a RealNVP of vectors.
public struct RealNVPConfiguration: Codable, Hashable, Sendable {
  /// Numbers of an example.
  public var width: Int
  public var couplings: Int
  /// Units of the hidden layers of each coupling.
  public var hidden: [Int]

  public init(width: Int, couplings: Int = 8, hidden: [Int] = [64, 64]) {
    self.width = width
    self.couplings = couplings
    self.hidden = hidden
  }
}

/// Affine couplings of vectors (Dinh et al., arXiv:1605.08803): [batch, width].
public struct RealNVP: FlowModel {
  public var couplings: [AffineCoupling]

  public init(_ configuration: RealNVPConfiguration, key: RandomKey) {
    couplings = (0..<configuration.couplings).map {
      AffineCoupling(
        width: configuration.width, hidden: configuration.hidden, key: key.fork($0))
    }
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) { couplings.forward(x) }

  public func inverse(_ z: Tensor) -> Tensor { couplings.inverse(z) }

  public mutating func visit(_ visitor: inout Visitor) { visitor("couplings", &couplings) }
}

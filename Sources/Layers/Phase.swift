public import Tensors

/// What a forward pass is for. It is passed to a layer, never stored in one.
public enum Phase: Sendable {
  /// No dropout, running statistics.
  case inference
  /// Dropout and batch statistics; the key is the source of all randomness of this pass.
  case training(RandomKey)

  /// The key of one part of the network; parts that draw random numbers ask with distinct purposes.
  public func fork(_ purpose: Int) -> Phase {
    switch self {
    case .inference: .inference
    case .training(let key): .training(key.fork(purpose))
    }
  }

  public var isTraining: Bool { if case .training = self { true } else { false } }
}

extension RandomKey: Module {
  public mutating func visit(_ visitor: inout Visitor) { visitor.buffer("bits", &bits) }
}

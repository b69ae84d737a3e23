public import Tensors

/// The part of a Transformer that works on every token alone: wider, a nonlinearity, back again; optionally with a gate
/// (Shazeer, arXiv:2002.05202).
public struct FeedForward: Layer {
  /// To the inner width; with a joint gate to twice of it: the value, then the gate.
  public var input: Linear
  /// A gate of its own: its activation multiplies what `input` gives.
  public var gate: Linear?
  public var output: Linear
  public var activation: Activation
  /// The second half of what `input` gives is the gate.
  public let hasJointGate: Bool
  /// Of the inner numbers.
  public var dropout: Double

  /// Whether and how the inner numbers are gated.
  public enum Gate: Sendable, Hashable {
    case none
    /// By a projection of its own: Llama, T5.
    case separate
    /// By the second half of one projection: GEGLU of diffusion networks.
    case joint
  }

  public init(
    width: Int, inner: Int, activation: Activation = .gelu, gate: Gate = .none,
    hasBias: Bool = true, dropout: Double = 0, key: RandomKey
  ) {
    input = Linear(
      inputs: width, outputs: gate == .joint ? 2 * inner : inner, hasBias: hasBias,
      key: key.fork(0))
    self.gate =
      gate == .separate
      ? Linear(inputs: width, outputs: inner, hasBias: hasBias, key: key.fork(1)) : nil
    output = Linear(inputs: inner, outputs: width, hasBias: hasBias, key: key.fork(2))
    self.activation = activation
    hasJointGate = gate == .joint
    self.dropout = dropout
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var inner = input(x)
    if hasJointGate {
      let parts = inner.split(-1, into: 2)
      inner = parts[0] * activation(parts[1])
    } else if let gate {
      inner = activation(gate(x)) * inner
    } else {
      inner = activation(inner)
    }
    return output(Dropout(dropout)(inner, phase))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("input", &input)
    visitor("gate", &gate)
    visitor("output", &output)
    visitSettings(&visitor)
  }

  /// Names the plain values that belong to the key of a compiled step: for models that name the tensors themselves.
  public func visitSettings(_ visitor: inout Visitor) {
    visitor.fixed("activation", activation)
    visitor.fixed("hasJointGate", hasJointGate)
    visitor.fixed("dropout", dropout)
  }
}

public import Tensors

/// A nonlinearity as a value, as configurations name it.
///
/// It is read from the names that published configurations use (`"gelu_new"`, `"swish"`, …) and written under one of them.
public enum Activation: Sendable, Hashable {
  /// x, `"linear"`.
  case identity
  case relu
  case relu6
  /// `"leaky_relu"`, or with another slope than 0.01 `"leaky_relu(0.2)"`.
  case leakyReLU(slope: Double = 0.01)
  case elu
  case selu
  /// x Φ(x) by the error function: `"gelu"`.
  case gelu
  /// The tanh form: `"gelu_new"`, `"gelu_pytorch_tanh"`, `"gelu_fast"`, `"gelu_accurate"`.
  case geluTanh
  /// x σ(1.702 x): `"quick_gelu"`.
  case quickGELU
  /// x σ(x): `"silu"`, `"swish"`.
  case silu
  case mish
  case tanh
  case sigmoid
  case softplus
  case softsign
  case hardSigmoid
  case hardSwish
  /// max(x, 0)²: `"relu2"`.
  case squaredReLU

  /// The names under which each is written, and others that are read.
  private static let names: [(activation: Activation, names: [String])] = [
    (.identity, ["linear", "identity", "none"]), (.relu, ["relu"]), (.relu6, ["relu6"]),
    (.leakyReLU(), ["leaky_relu"]), (.elu, ["elu"]), (.selu, ["selu"]),
    (.gelu, ["gelu", "gelu_python"]),
    (.geluTanh, ["gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu_accurate", "gelu_tanh"]),
    (.quickGELU, ["quick_gelu"]), (.silu, ["silu", "swish"]), (.mish, ["mish"]),
    (.tanh, ["tanh"]), (.sigmoid, ["sigmoid"]), (.softplus, ["softplus"]),
    (.softsign, ["softsign"]), (.hardSigmoid, ["hardsigmoid", "hard_sigmoid"]),
    (.hardSwish, ["hardswish", "hard_swish"]), (.squaredReLU, ["relu2"]),
  ]

  private static let byName = Dictionary(
    uniqueKeysWithValues: names.flatMap { row in row.names.map { ($0, row.activation) } })

  /// The activation of a configuration's name; nil where none is called so.
  public init?(_ name: String) {
    if let known = Self.byName[name] {
      self = known
    } else if name.hasPrefix("leaky_relu("), name.hasSuffix(")"),
      let slope = Double(name.dropFirst("leaky_relu(".count).dropLast())
    {
      self = .leakyReLU(slope: slope)
    } else {
      return nil
    }
  }

  /// The name under which a configuration is written.
  public var name: String {
    if case .leakyReLU(let slope) = self, slope != 0.01 { return "leaky_relu(\(slope))" }
    return Self.names.first { $0.activation == self }!.names[0]
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .identity: x
    case .relu: x.relu()
    case .relu6: x.relu6()
    case .leakyReLU(let slope): x.leakyReLU(slope: slope)
    case .elu: x.elu()
    case .selu: x.selu()
    case .gelu: x.gelu()
    case .geluTanh: x.geluTanh()
    case .quickGELU: x.quickGELU()
    case .silu: x.silu()
    case .mish: x.mish()
    case .tanh: x.tanh()
    case .sigmoid: x.sigmoid()
    case .softplus: x.softplus()
    case .softsign: x.softsign()
    case .hardSigmoid: x.hardSigmoid()
    case .hardSwish: x.hardSwish()
    case .squaredReLU: x.relu().square()
    }
  }

  /// The same for a kernel that applies it itself, and what is left to apply afterwards.
  var fused: (inside: NormActivation, after: Activation) {
    switch self {
    case .relu: (.relu, .identity)
    case .silu: (.silu, .identity)
    default: (.none, self)
    }
  }
}

extension Activation: Layer {
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor { self(x) }
  public mutating func visit(_ visitor: inout Visitor) { visitor.fixed("activation", self) }
}

extension Activation: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let activation = Activation(name) else {
      let known = Self.names.map(\.names[0]).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "no activation is called \"\(name)\"; there are \(known)")
    }
    self = activation
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

internal import CKernels
internal import StableHLO

// One row an operation: name, tile instruction, domain, StableHLO, derivative.

extension Unary {
  public static let negate = Unary("negate", APUS_TILE_NEGATE, .unary(.negate), on: .numeric) {
    _, _, dy in -dy
  }
  public static let abs = Unary("abs", APUS_TILE_ABS, .unary(.abs), on: .numeric) { x, _, dy in
    dy * x.sign()
  }
  public static let sign = Unary("sign", APUS_TILE_SIGN, .unary(.sign), on: .numeric) { x, _, _ in
    x.zerosLike()
  }
  public static let floor = Unary("floor", APUS_TILE_FLOOR, .unary(.floor)) { x, _, _ in
    x.zerosLike()
  }
  public static let ceil = Unary("ceil", APUS_TILE_CEIL, .unary(.ceil)) { x, _, _ in x.zerosLike() }
  /// To the nearest integer, halves to even.
  public static let round = Unary("round", APUS_TILE_ROUND, .unary(.roundNearestEven)) { x, _, _ in
    x.zerosLike()
  }
  public static let square = Unary(
    "square", APUS_TILE_SQUARE, .withItself(.multiply), on: .numeric
  ) { x, _, dy in
    dy * x * 2
  }
  public static let sqrt = Unary("sqrt", APUS_TILE_SQRT, .unary(.sqrt)) { _, y, dy in dy * 0.5 / y }
  public static let rsqrt = Unary("rsqrt", APUS_TILE_RSQRT, .unary(.rsqrt)) { x, y, dy in
    dy * (y / x) * -0.5
  }
  public static let reciprocal = Unary("reciprocal", APUS_TILE_RECIPROCAL, .formula { 1 / $0[0] }) {
    _, y, dy in
    -dy * y.square()
  }
  public static let exp = Unary("exp", APUS_TILE_EXP, .unary(.exponential)) { _, y, dy in dy * y }
  public static let expm1 = Unary("expm1", APUS_TILE_EXPM1, .unary(.exponentialMinusOne)) {
    _, y, dy in
    dy * (y + 1)
  }
  public static let log = Unary("log", APUS_TILE_LOG, .unary(.log)) { x, _, dy in dy / x }
  public static let log1p = Unary("log1p", APUS_TILE_LOG1P, .unary(.logPlusOne)) { x, _, dy in
    dy / (x + 1)
  }
  public static let sin = Unary("sin", APUS_TILE_SIN, .unary(.sine)) { x, _, dy in dy * x.cos() }
  public static let cos = Unary("cos", APUS_TILE_COS, .unary(.cosine)) { x, _, dy in -dy * x.sin() }
  public static let tan = Unary("tan", APUS_TILE_TAN, .unary(.tan)) { _, y, dy in
    dy * (y.square() + 1)
  }
  public static let tanh = Unary("tanh", APUS_TILE_TANH, .unary(.tanh)) { _, y, dy in
    Tensor(Binary.tanhGradient, [y, dy])
  }
  public static let sigmoid = Unary("sigmoid", APUS_TILE_SIGMOID, .unary(.logistic)) { _, y, dy in
    Tensor(Binary.sigmoidGradient, [y, dy])
  }
  /// log(1 + exp(x)).
  public static let softplus = Unary(
    "softplus", APUS_TILE_SOFTPLUS, .formula { $0[0].relu() + (-$0[0].abs()).exp().log1p() }
  ) { x, _, dy in Tensor(Binary.softplusGradient, [x, dy]) }
  public static let erf = Unary("erf", APUS_TILE_ERF, .unary(.erf)) { x, _, dy in
    dy * (-x.square()).exp() * (2 / Double.pi.squareRoot())
  }
  public static let relu = Unary(
    "relu", APUS_TILE_RELU, .formula { maximum($0[0], $0[0].zerosLike()) }, on: .numeric
  ) {
    x, _, dy in Tensor(Binary.reluGradient, [x, dy])
  }
  /// x Φ(x), by the error function.
  public static let gelu = Unary(
    "gelu", APUS_TILE_GELU, .formula { $0[0] * normalCumulative($0[0]) }
  ) { x, _, dy in
    Tensor(Binary.geluGradient, [x, dy])
  }
  /// The tanh form of GELU (Hendrycks and Gimpel, arXiv:1606.08415).
  public static let geluTanh = Unary(
    "gelu (tanh)", APUS_TILE_GELU_TANH, .formula { $0[0] * geluGate($0[0]) }
  ) {
    x, _, dy in Tensor(Binary.geluTanhGradient, [x, dy])
  }
  public static let silu = Unary("silu", APUS_TILE_SILU, .formula { $0[0] * $0[0].sigmoid() }) {
    x, _, dy in
    Tensor(Binary.siluGradient, [x, dy])
  }
  public static let not = Unary("not", APUS_TILE_NOT, .unary(.not), on: .logical) { _, _, _ in nil }
  public static let isFinite = Unary(
    "is finite", APUS_TILE_IS_FINITE, .formula { ($0[0] - $0[0]).equal(to: $0[0].zerosLike()) },
    isPredicate: true
  ) { _, _, _ in nil }
  public static let isNaN = Unary(
    "is NaN", APUS_TILE_IS_NAN, .formula { $0[0].notEqual(to: $0[0]) }, isPredicate: true
  ) {
    _, _, _ in nil
  }
}

extension Binary {
  public static let add = Binary("add", APUS_TILE_ADD, .binary(.add)) { _, _, dy in [dy, dy] }
  public static let subtract = Binary("subtract", APUS_TILE_SUBTRACT, .binary(.subtract)) {
    _, _, dy in [dy, -dy]
  }
  public static let multiply = Binary("multiply", APUS_TILE_MULTIPLY, .binary(.multiply)) {
    inputs, _, dy in
    [dy * inputs[1], dy * inputs[0]]
  }
  public static let divide = Binary("divide", APUS_TILE_DIVIDE, .binary(.divide)) { inputs, y, dy in
    let dx = dy / inputs[1]
    return [dx, -dx * y]
  }
  /// NaN where either operand is NaN. Equal operands share the gradient equally.
  public static let maximum = Binary("maximum", APUS_TILE_MAXIMUM, .binary(.maximum)) {
    inputs, y, dy in
    sharedGradient(inputs, y, dy)
  }
  public static let minimum = Binary("minimum", APUS_TILE_MINIMUM, .binary(.minimum)) {
    inputs, y, dy in
    sharedGradient(inputs, y, dy)
  }
  public static let power = Binary("power", APUS_TILE_POWER, .binary(.power)) { inputs, y, dy in
    let (x, p) = (inputs[0], inputs[1])
    let zero = x.zerosLike()
    // The limit at x = 0 of y log x is 0 for positive exponents.
    return [
      dy * p * x.power(p - 1),
      dy * select(x.equal(to: zero), zero, y * x.log()),
    ]
  }
  /// What is left of a division, with the sign of the dividend.
  public static let remainder = Binary("remainder", APUS_TILE_REMAINDER, .binary(.remainder)) {
    inputs, _, dy in
    let quotient = inputs[0] / inputs[1]
    return [
      dy,
      -dy * select(quotient.less(than: quotient.zerosLike()), quotient.ceil(), quotient.floor()),
    ]
  }
  public static let atan2 = Binary("atan2", APUS_TILE_ATAN2, .binary(.atan2), on: .floating) {
    inputs, _, dy in
    let (y, x) = (inputs[0], inputs[1])
    let scaled = dy / (x.square() + y.square())
    return [scaled * x, -scaled * y]
  }

  public static let equal = Binary(
    "equal", APUS_TILE_EQUAL, .comparison(.equal), on: .any, isPredicate: true
  ) { _, _, _ in
    [nil, nil]
  }
  public static let notEqual = Binary(
    "not equal", APUS_TILE_NOT_EQUAL, .comparison(.notEqual), on: .any, isPredicate: true
  ) {
    _, _, _ in [nil, nil]
  }
  public static let less = Binary("less", APUS_TILE_LESS, .comparison(.less), isPredicate: true) {
    _, _, _ in [nil, nil]
  }
  public static let lessOrEqual = Binary(
    "less or equal", APUS_TILE_LESS_EQUAL, .comparison(.lessOrEqual), isPredicate: true
  ) {
    _, _, _ in [nil, nil]
  }

  public static let and = Binary("and", APUS_TILE_AND, .binary(.and), on: .integer) { _, _, _ in
    [nil, nil]
  }
  public static let or = Binary("or", APUS_TILE_OR, .binary(.or), on: .integer) { _, _, _ in
    [nil, nil]
  }
  public static let xor = Binary("xor", APUS_TILE_XOR, .binary(.xor), on: .integer) { _, _, _ in
    [nil, nil]
  }
  public static let shiftLeft = Binary(
    "shift left", APUS_TILE_SHIFT_LEFT, .binary(.shiftLeft), on: .integer
  ) {
    _, _, _ in [nil, nil]
  }
  /// Logical: zeros come in from the left.
  public static let shiftRight = Binary(
    "shift right", APUS_TILE_SHIFT_RIGHT, .binary(.shiftRightLogical), on: .integer
  ) { _, _, _ in [nil, nil] }

  // Gradients of activations, one pass each. Their own derivatives come from their formulas.

  static let reluGradient = gradientRow("relu gradient", APUS_TILE_RELU_GRADIENT, .numeric) {
    x, dy in
    select(x.less(than: x.zerosLike()).or(x.equal(to: x.zerosLike())), dy.zerosLike(), dy)
  }
  static let geluGradient = gradientRow("gelu gradient", APUS_TILE_GELU_GRADIENT) { x, dy in
    dy * (normalCumulative(x) + x * (x.square() * -0.5).exp() * (1 / (2 * Double.pi).squareRoot()))
  }
  static let geluTanhGradient = gradientRow("gelu (tanh) gradient", APUS_TILE_GELU_TANH_GRADIENT) {
    x, dy in
    let gate = geluGate(x)
    let slope = (x.square() * (3 * 0.044715) + 1) * (2 * (2 / Double.pi).squareRoot())
    return dy * (gate + x * gate * (1 - gate) * slope)
  }
  static let siluGradient = gradientRow("silu gradient", APUS_TILE_SILU_GRADIENT) { x, dy in
    let gate = x.sigmoid()
    return dy * gate * (x * (1 - gate) + 1)
  }
  static let softplusGradient = gradientRow("softplus gradient", APUS_TILE_SOFTPLUS_GRADIENT) {
    x, dy in
    dy * x.sigmoid()
  }
  static let sigmoidGradient = gradientRow("sigmoid gradient", APUS_TILE_SIGMOID_GRADIENT) {
    y, dy in dy * y * (1 - y)
  }
  static let tanhGradient = gradientRow("tanh gradient", APUS_TILE_TANH_GRADIENT) { y, dy in
    dy * (1 - y.square())
  }

  /// A row f(a, dy) defined by `formula`, whose derivative is that of the formula.
  private static func gradientRow(
    _ name: String, _ operation: apus_tile_operation, _ domain: ElementDomain = .floating,
    _ formula: @escaping @Sendable (_ a: Tensor, _ dy: Tensor) -> Tensor
  ) -> Binary {
    Binary(name, operation, .formula { formula($0[0], $0[1]) }, on: domain) { inputs, _, dy in
      let inputs = inputs.map { Tensor(Alias($0.label), [$0]) }
      return gradients(of: [formula(inputs[0], inputs[1])], seeds: [dy], by: inputs)
    }
  }

  private static func sharedGradient(_ inputs: [Tensor], _ y: Tensor, _ dy: Tensor) -> [Tensor?] {
    let zero = dy.zerosLike()
    let half = select(inputs[0].equal(to: inputs[1]), dy * 0.5, dy)
    return inputs.map { select($0.equal(to: y), half, zero) }
  }
}

/// Φ(x), the cumulative distribution of the standard normal.
private func normalCumulative(_ x: Tensor) -> Tensor { (x * 0.5.squareRoot()).erf() * 0.5 + 0.5 }

/// ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), written as a sigmoid.
private func geluGate(_ x: Tensor) -> Tensor {
  ((x.square() * 0.044715 + 1) * x * (2 * (2 / Double.pi).squareRoot())).sigmoid()
}

public import Tensors

/// What a recurrent cell hands from step to step.
public struct RecurrentState: Module {
  /// [batch, outputs]: also the cell's output.
  public var hidden: Tensor
  /// [batch, width]: the memory of an LSTM; nil in other cells.
  public var cell: Tensor?

  public init(hidden: Tensor, cell: Tensor? = nil) {
    self.hidden = hidden
    self.cell = cell
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("hidden", &hidden)
    visitor("cell", &cell)
  }
}

/// One step of a recurrent network, with PyTorch's tensors and their names.
public protocol RecurrentCell: Module {
  /// The tensors that all cells have: weights [gates · width, inputs] and [gates · width, outputs], biases [gates · width].
  var weights: RecurrentWeights { get set }
  /// The numbers of an output.
  var outputs: Int { get }

  /// A state of zeros.
  func start(batch: Int, _ dataType: DataType) -> RecurrentState
  /// The part of a step that depends on its input alone, which is one product for all steps: [steps…, inputs] →
  /// [steps…, gates · width].
  func projected(_ x: Tensor) -> Tensor
  /// The rest of the step. Its output is the new hidden state.
  /// - Parameter x: one step of what `projected` returns.
  func advance(_ state: inout RecurrentState, _ x: Tensor)
  /// Names the tensors; `suffix` comes after every name.
  mutating func visit(_ visitor: inout Visitor, suffix: String)
}

extension RecurrentCell {
  /// One whole step, as generation takes it.
  /// - Parameter x: [batch, inputs].
  /// - Returns: [batch, outputs], which is the new hidden state.
  public func callAsFunction(_ x: Tensor, _ state: inout RecurrentState) -> Tensor {
    advance(&state, projected(x))
    return state.hidden
  }

  public var inputs: Int { weights.input.shape[1] }
  public var outputs: Int { weights.hidden.shape[1] }
  public func start(batch: Int, _ dataType: DataType = .float32) -> RecurrentState {
    RecurrentState(hidden: .zeros([batch, outputs], dataType))
  }
  /// By PyTorch's names for a single cell.
  public mutating func visit(_ visitor: inout Visitor) { visit(&visitor, suffix: "") }
  public mutating func visit(_ visitor: inout Visitor, suffix: String) {
    weights.visit(&visitor, suffix: suffix)
  }
}

/// The tensors that all recurrent cells have.
public struct RecurrentWeights: Sendable {
  /// `weight_ih`: [gates · width, inputs].
  public var input: Tensor
  /// `weight_hh`: [gates · width, outputs].
  public var hidden: Tensor
  /// `bias_ih`: [gates · width].
  public var inputBias: Tensor?
  /// `bias_hh`: [gates · width].
  public var hiddenBias: Tensor?

  public init(input: Tensor, hidden: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil) {
    self.input = input
    self.hidden = hidden
    self.inputBias = inputBias
    self.hiddenBias = hiddenBias
  }

  /// Uniform within ±1/√width, as in PyTorch.
  init(gates: Int, inputs: Int, width: Int, outputs: Int, hasBias: Bool, _ key: RandomKey) {
    let draw = Initializer.uniform(bound: 1 / Double(max(width, 1)).squareRoot())
    input = draw([gates * width, inputs], key.fork(0))
    hidden = draw([gates * width, outputs], key.fork(1))
    inputBias = hasBias ? draw([gates * width], key.fork(2)) : nil
    hiddenBias = hasBias ? draw([gates * width], key.fork(3)) : nil
  }

  /// x Wᵀ and the biases given.
  func projected(_ x: Tensor, _ biases: Tensor?...) -> Tensor {
    let product = matrixProduct(x, input.transposed())
    let biases = biases.compactMap { $0 }
    guard let first = biases.first else { return product }
    return product + biases.dropFirst().reduce(first) { $0 + $1 }
  }

  /// h Wᵀ.
  func recurrent(_ h: Tensor) -> Tensor { matrixProduct(h, hidden.transposed()) }

  mutating func visit(_ visitor: inout Visitor, suffix: String) {
    visitor.named("weight_ih" + suffix, &input)
    visitor.named("weight_hh" + suffix, &hidden)
    visitor.named("bias_ih" + suffix, &inputBias)
    visitor.named("bias_hh" + suffix, &hiddenBias)
  }
}

/// h' = tanh(W x + b + U h + c), or with another nonlinearity (Elman 1990).
public struct RNNCell: RecurrentCell {
  public var weights: RecurrentWeights
  public var activation: Activation

  public init(weights: RecurrentWeights, activation: Activation = .tanh) {
    self.weights = weights
    self.activation = activation
  }

  public init(
    inputs: Int, width: Int, activation: Activation = .tanh, hasBias: Bool = true, key: RandomKey
  ) {
    weights = RecurrentWeights(
      gates: 1, inputs: inputs, width: width, outputs: width, hasBias: hasBias, key)
    self.activation = activation
  }

  public func projected(_ x: Tensor) -> Tensor {
    weights.projected(x, weights.inputBias, weights.hiddenBias)
  }

  public func advance(_ state: inout RecurrentState, _ x: Tensor) {
    state.hidden = activation(x + weights.recurrent(state.hidden))
  }

  public mutating func visit(_ visitor: inout Visitor, suffix: String) {
    weights.visit(&visitor, suffix: suffix)
    visitor.fixed("activation", activation)
  }
}

/// c' = f∘c + i∘g, h' = o∘tanh(c'), with gates in the order i, f, g, o (Hochreiter and Schmidhuber 1997, with the forget
/// gate of Gers et al. 2000); with a projection h' = P (o∘tanh(c')) (Sak et al., arXiv:1402.1128).
public struct LSTMCell: RecurrentCell {
  public var weights: RecurrentWeights
  /// `weight_hr`: [outputs, width]; nil where the output is as wide as the cell.
  public var projection: Tensor?

  public init(weights: RecurrentWeights, projection: Tensor? = nil) {
    self.weights = weights
    self.projection = projection
  }

  /// - Parameters:
  ///   - outputs: less than `width`, for an output that is a projection of the cell's.
  ///   - forgetBias: added to the first values of the forget gate's bias; 1 helps to remember from the start.
  public init(
    inputs: Int, width: Int, outputs: Int? = nil, hasBias: Bool = true, forgetBias: Double = 0,
    key: RandomKey
  ) {
    weights = RecurrentWeights(
      gates: 4, inputs: inputs, width: width, outputs: outputs ?? width, hasBias: hasBias, key)
    if forgetBias != 0, let bias = weights.inputBias {
      var parts = bias.split(0, into: 4)
      parts[1] = parts[1] + forgetBias
      weights.inputBias = concatenate(parts)
    }
    let bound = 1 / Double(max(width, 1)).squareRoot()
    projection = outputs.map { Initializer.uniform(bound: bound)([$0, width], key.fork(4)) }
  }

  /// The numbers of the memory.
  public var width: Int { weights.input.shape[0] / 4 }

  public func start(batch: Int, _ dataType: DataType = .float32) -> RecurrentState {
    RecurrentState(
      hidden: .zeros([batch, outputs], dataType), cell: .zeros([batch, width], dataType))
  }

  public func projected(_ x: Tensor) -> Tensor {
    weights.projected(x, weights.inputBias, weights.hiddenBias)
  }

  public func advance(_ state: inout RecurrentState, _ x: Tensor) {
    guard let memory = state.cell else { fail("lstm: the state has no cell; begin with start") }
    // Added part by part, so that everything after the product is one sweep.
    let parts = (x.split(-1, into: 4), weights.recurrent(state.hidden).split(-1, into: 4))
    let gates = zip(parts.0, parts.1).map { $0 + $1 }
    let next = gates[1].sigmoid() * memory + gates[0].sigmoid() * gates[2].tanh()
    let output = gates[3].sigmoid() * next.tanh()
    state.cell = next
    state.hidden = projection.map { matrixProduct(output, $0.transposed()) } ?? output
  }

  public mutating func visit(_ visitor: inout Visitor, suffix: String) {
    weights.visit(&visitor, suffix: suffix)
    visitor.named("weight_hr" + suffix, &projection)
  }
}

/// h' = (1 − z)∘n + z∘h with n = tanh(W x + b + r∘(U h + c)), and gates in the order r, z, n (Cho et al.,
/// arXiv:1406.1078). The reset gate multiplies after the product, as in PyTorch and cuDNN.
public struct GRUCell: RecurrentCell {
  public var weights: RecurrentWeights

  public init(weights: RecurrentWeights) { self.weights = weights }

  public init(inputs: Int, width: Int, hasBias: Bool = true, key: RandomKey) {
    weights = RecurrentWeights(
      gates: 3, inputs: inputs, width: width, outputs: width, hasBias: hasBias, key)
  }

  public func projected(_ x: Tensor) -> Tensor { weights.projected(x, weights.inputBias) }

  public func advance(_ state: inout RecurrentState, _ x: Tensor) {
    var recurrent = weights.recurrent(state.hidden)
    if let bias = weights.hiddenBias { recurrent = recurrent + bias }
    let (a, b) = (x.split(-1, into: 3), recurrent.split(-1, into: 3))
    let reset = (a[0] + b[0]).sigmoid()
    let keep = (a[1] + b[1]).sigmoid()
    let new = (a[2] + reset * b[2]).tanh()
    state.hidden = (1 - keep) * new + keep * state.hidden
  }
}

public import Tensors

/// Recurrent cells over sequences: several layers, one or two directions, with the tensor names of PyTorch
/// (`weight_ih_l0`, `weight_hh_l0_reverse`, …).
///
///     let lstm = LSTM(inputs: 64, width: 256, layers: 2, key: key)
///     let (y, state) = lstm(x)            // [batch, time, 64] → [batch, time, 256]
///     let next = lstm.step(token, &state) // [batch, 64] → [batch, 256]
public struct Recurrent<Cell: RecurrentCell>: Module {
  /// Layer 0 forwards, layer 0 backwards, layer 1 forwards, …
  public var cells: [Cell]
  public let isBidirectional: Bool
  /// Dropout of the outputs of every layer but the last.
  public var dropout: Double

  /// - Parameter cells: in the order of `cells`.
  public init(cells: [Cell], isBidirectional: Bool = false, dropout: Double = 0) {
    guard !cells.isEmpty, !isBidirectional || cells.count % 2 == 0 else {
      fail("a recurrent network of \(cells.count) cells in \(isBidirectional ? 2 : 1) directions")
    }
    self.cells = cells
    self.isBidirectional = isBidirectional
    self.dropout = dropout
  }

  /// Makes all cells; the first layer's take `inputs` numbers, the others what the layer below gives.
  public init(
    inputs: Int, layers: Int, isBidirectional: Bool = false, dropout: Double = 0, key: RandomKey,
    _ make: (_ inputs: Int, _ key: RandomKey) -> Cell
  ) {
    let directions = isBidirectional ? 2 : 1
    var cells: [Cell] = []
    for i in 0..<(layers * directions) {
      let below = cells.last.map { $0.outputs * directions } ?? inputs
      cells.append(make(i < directions ? inputs : below, key.fork(i)))
    }
    self.init(cells: cells, isBidirectional: isBidirectional, dropout: dropout)
  }

  private var directions: Int { isBidirectional ? 2 : 1 }
  public var layers: Int { cells.count / directions }
  public var inputs: Int { cells[0].inputs }
  /// The numbers of an output: twice those of a cell in two directions.
  public var outputs: Int { cells[0].outputs * directions }

  /// States of zeros for all cells, in the order of `cells`.
  public func start(batch: Int, _ dataType: DataType = .float32) -> [RecurrentState] {
    cells.map { $0.start(batch: batch, dataType) }
  }

  /// Runs over whole sequences.
  ///
  /// - Parameters:
  ///   - x: [batch, time, inputs]; [time, batch, inputs] where `isTimeMajor`, which spares copies.
  ///   - state: where to begin, in the order of `cells`; zeros unless given.
  ///   - reversed: the sequences are read from their ends; outputs still stand at their own step.
  ///   - lengths: the valid steps of every row, [batch], int32 or int64. States stop at a row's last valid step, where the
  ///     backward direction begins; outputs beyond are 0.
  /// - Returns: the last layer's outputs, forward and backward ones side by side, with the axes of `x`; and the last state
  ///   of every cell.
  public func callAsFunction(
    _ x: Tensor, state: [RecurrentState]? = nil, lengths: Tensor? = nil, reversed: Bool = false,
    isTimeMajor: Bool = false, _ phase: Phase = .inference
  ) -> (outputs: Tensor, state: [RecurrentState]) {
    guard x.rank == 3 else { fail("recurrent: \(x.label) \(x.shape) is not [batch, time, width]") }
    var x = isTimeMajor ? x : x.swapped(0, 1)
    let (time, batch) = (x.shape[0], x.shape[1])
    let starts = state ?? start(batch: batch, x.dataType)
    guard starts.count == cells.count else {
      fail("recurrent: \(starts.count) states for \(cells.count) cells")
    }
    let isValid = lengths.map { lengths in
      Tensor.indices([time, batch, 1], axis: 0, lengths.dataType)
        .less(than: lengths.reshaped([batch, 1]))
    }
    var ends: [RecurrentState] = []
    for layer in 0..<layers {
      if layer > 0, case .training(let key) = phase { x = x.dropout(dropout, key.fork(layer)) }
      var outputs: [Tensor] = []
      for direction in 0..<directions {
        let i = layer * directions + direction
        let (end, y) = run(cells[i], x, starts[i], isValid, reversed: (direction == 1) != reversed)
        ends.append(end)
        outputs.append(y)
      }
      x = concatenate(outputs, axis: -1)
    }
    return (isTimeMajor ? x : x.swapped(0, 1), ends)
  }

  /// One cell over all steps: the inputs' product for all of them first, then the loop.
  private func run(
    _ cell: Cell, _ x: Tensor, _ start: RecurrentState, _ isValid: Tensor?, reversed: Bool
  ) -> (RecurrentState, Tensor) {
    let projected = cell.projected(x)
    guard let isValid else {
      let result = scan(start, over: projected, reversed: reversed) { state, x in
        cell.advance(&state, x)
        return state.hidden
      }
      return (result.carry, result.outputs)
    }
    let result = scan(start, over: Pair(projected, isValid), reversed: reversed) { state, input in
      let old = state
      cell.advance(&state, input.first)
      let output = select(input.second, state.hidden, state.hidden.zerosLike())
      state = state.zipTensors(old) { select(input.second, $0, $1) }
      return output
    }
    return (result.carry, result.outputs)
  }

  /// One step of a network in one direction, as generation takes it.
  /// - Parameter x: [batch, inputs].
  /// - Returns: [batch, outputs].
  public func step(_ x: Tensor, _ state: inout [RecurrentState]) -> Tensor {
    guard !isBidirectional else {
      fail("recurrent: a network that also reads backwards cannot go step by step")
    }
    var x = x
    for i in cells.indices { x = cells[i](x, &state[i]) }
    return x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.fixed("cells", cells.count)
    visitor.fixed("directions", directions)
    visitor.fixed("dropout", dropout)
    for i in cells.indices {
      let suffix = "_l\(i / directions)" + (i % directions == 1 ? "_reverse" : "")
      cells[i].visit(&visitor, suffix: suffix)
    }
  }
}

/// An Elman network.
public typealias RNN = Recurrent<RNNCell>
/// A network of long short-term memory.
public typealias LSTM = Recurrent<LSTMCell>
/// A network of gated recurrent units.
public typealias GRU = Recurrent<GRUCell>

extension Recurrent where Cell == RNNCell {
  public init(
    inputs: Int, width: Int, layers: Int = 1, activation: Activation = .tanh, hasBias: Bool = true,
    isBidirectional: Bool = false, dropout: Double = 0, key: RandomKey
  ) {
    self.init(
      inputs: inputs, layers: layers, isBidirectional: isBidirectional, dropout: dropout, key: key
    ) { RNNCell(inputs: $0, width: width, activation: activation, hasBias: hasBias, key: $1) }
  }
}

extension Recurrent where Cell == LSTMCell {
  /// - Parameters:
  ///   - width: the numbers of the memory.
  ///   - cellOutputs: less than `width`, for outputs that are projections of the cells'.
  ///   - forgetBias: added to the first values of the forget gates' biases.
  public init(
    inputs: Int, width: Int, layers: Int = 1, cellOutputs: Int? = nil, hasBias: Bool = true,
    forgetBias: Double = 0, isBidirectional: Bool = false, dropout: Double = 0, key: RandomKey
  ) {
    self.init(
      inputs: inputs, layers: layers, isBidirectional: isBidirectional, dropout: dropout, key: key
    ) {
      LSTMCell(
        inputs: $0, width: width, outputs: cellOutputs, hasBias: hasBias, forgetBias: forgetBias,
        key: $1)
    }
  }
}

extension Recurrent where Cell == GRUCell {
  public init(
    inputs: Int, width: Int, layers: Int = 1, hasBias: Bool = true, isBidirectional: Bool = false,
    dropout: Double = 0, key: RandomKey
  ) {
    self.init(
      inputs: inputs, layers: layers, isBidirectional: isBidirectional, dropout: dropout, key: key
    ) { GRUCell(inputs: $0, width: width, hasBias: hasBias, key: $1) }
  }
}

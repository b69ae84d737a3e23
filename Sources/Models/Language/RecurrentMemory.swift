public import Layers
public import Tensors

/// The memory of a recurrent model: the states of its layers.
public struct RecurrentMemory: TokenMemory {
  public var states: [RecurrentState]
  /// How many tokens at the beginning of each text are none: int32, [batch]; nil once they have been read.
  public var padding: Tensor?

  public func rows(_ ids: Tensor) -> RecurrentMemory {
    RecurrentMemory(
      states: states.map { $0.mapTensors { $0.rows(ids) } }, padding: padding?.rows(ids))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("states", &states)
    visitor.buffer("padding", &padding)
  }
}

/// Texts that begin with some tokens that are none, with these put to their ends, where recurrent states stop.
struct ShiftedTokens {
  let ids: Tensor
  /// How many of each row are tokens: int32, [batch].
  let lengths: Tensor
  private let shift: Tensor

  /// - Parameters:
  ///   - ids: [batch, length].
  ///   - padding: how many tokens at the beginning of each text are none: int32, [batch].
  init(_ ids: Tensor, padding: Tensor) {
    let length = ids.shape[1]
    shift = padding.expanded(1)
    let places = minimum(Tensor.range(length).expanded(0) + shift, Self.number(length - 1))
    self.ids = ids.takeAlong(1, places.cast(to: .int32))
    lengths = Self.number(length) - padding
  }

  /// The last places of what was made of the tokens, [batch, length, width], where they were before.
  func last(_ count: Int, of outputs: Tensor) -> Tensor {
    let places = Tensor.range(ids.shape[1]).expanded(0) - shift
    let own = maximum(places, Self.number(0)).lastPlaces(count).expanded(2)
    return outputs.takeAlong(
      1, own.broadcast(to: [ids.shape[0], count, outputs.shape[2]]))
  }

  private static func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], .int32) }
}

extension Recurrent {
  /// What it makes of the last places of texts whose first tokens may be none.
  /// - Parameter embedding: of ids [length, batch].
  func read(
    _ ids: Tensor, _ memory: inout RecurrentMemory, last count: Int,
    _ embedding: (Tensor) -> Tensor
  ) -> Tensor {
    let shifted = memory.padding.map { ShiftedTokens(ids, padding: $0) }
    let (outputs, last) = self(
      embedding((shifted?.ids ?? ids).transposed()), state: memory.states,
      lengths: shifted?.lengths, isTimeMajor: true)
    memory = RecurrentMemory(states: last)
    let states = outputs.swapped(0, 1)
    return shifted?.last(count, of: states) ?? states.lastPlaces(count)
  }
}

extension RecurrentLanguageModel: TokenModel {
  public var context: Int? { nil }

  public func memory(of source: Nothing, batch: Int, capacity: Int, padding: Tensor?)
    -> RecurrentMemory
  {
    RecurrentMemory(states: start(batch: batch), padding: padding)
  }

  public func read(_ ids: Tensor, _ memory: inout RecurrentMemory, last count: Int) -> Tensor {
    head(recurrent.read(ids, &memory, last: count) { tokens($0) })
  }
}

extension ConditionedWriter: TokenModel {
  public var context: Int? { nil }

  public func memory(of source: Tensor, batch: Int, capacity: Int, padding: Tensor?)
    -> RecurrentMemory
  {
    RecurrentMemory(states: start(source), padding: padding)
  }

  public func read(_ ids: Tensor, _ memory: inout RecurrentMemory, last count: Int) -> Tensor {
    head(recurrent.read(ids, &memory, last: count) { tokens($0) })
  }
}

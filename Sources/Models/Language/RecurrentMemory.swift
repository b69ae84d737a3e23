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

extension RecurrentLanguageModel: TokenModel {
  public var context: Int? { nil }

  public func memory(of source: Nothing, batch: Int, capacity: Int, padding: Tensor?)
    -> RecurrentMemory
  {
    RecurrentMemory(states: start(batch: batch), padding: padding)
  }

  public func read(_ ids: Tensor, _ memory: inout RecurrentMemory, last count: Int) -> Tensor {
    guard let padding = memory.padding else {
      let (outputs, last) = recurrent(
        tokens(ids.transposed()), state: memory.states, isTimeMajor: true)
      memory.states = last
      return head(outputs.swapped(0, 1).lastPlaces(count))
    }
    // Steps that are none go to the end, where the states stop.
    let length = ids.shape[1]
    let (shift, places) = (padding.expanded(1), Tensor.range(length).expanded(0))
    let tokens = ids.takeAlong(1, minimum(places + shift, number(length - 1)).cast(to: .int32))
    let (outputs, last) = recurrent(
      self.tokens(tokens), state: memory.states, lengths: number(length) - padding)
    memory = RecurrentMemory(states: last)
    let own = maximum(places - shift, number(0)).lastPlaces(count).expanded(2)
    return head(
      outputs.takeAlong(1, own.broadcast(to: [ids.shape[0], count, outputs.shape[2]])))
  }

  private func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], .int32) }
}

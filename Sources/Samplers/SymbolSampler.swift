internal import Layers
public import Models
public import Tensors

/// Draws sequences of symbols place by place, each from what the model says about it given those before.
public struct SymbolSampler: Sendable {
  /// Divides the logits: less than 1 makes likely symbols more likely.
  public var temperature: Double

  public init(temperature: Double = 1) { self.temperature = temperature }

  /// Symbols, int32 [count, length], of any model: all logits are computed again for each place.
  public func callAsFunction<Model: SymbolModel>(
    _ model: Model, count: Int, length: Int? = nil, _ key: RandomKey
  ) -> Tensor {
    let length = length ?? model.length ?? 0
    let order = model.order(of: length).map(Int32.init)
    let drawn = compiled { (model: Model, key: RandomKey) in
      let start = Tensor.zeros([count, length], .int32)
      return scan(start, over: Tensor(order)) { symbols, place in
        let logits = model.logits(of: symbols)
        let here = logits.gathered(1, place.expanded(0)).squeezed(1)
        let isHere = Tensor.range(length).equal(to: place)
        symbols = select(isHere, draw(here, key.fork(place)).expanded(1), symbols)
        return Nothing()
      }.carry
    }
    return drawn(model, key)
  }

  /// The same draws of a model that remembers what it has read, at the cost of one pass.
  public func callAsFunction<Model: SteppingSymbolModel>(
    _ model: Model, count: Int, length: Int? = nil, _ key: RandomKey
  ) -> Tensor {
    let length = length ?? model.length ?? 0
    let order = model.order(of: length)
    let drawn = compiled { (model: Model, key: RandomKey) in
      let start = Pair(
        model.memory(batch: count, length: length), Tensor.fill(integer: -1, [count], .int32))
      let steps = Pair(Tensor.range(length), Tensor(order.map(Int32.init)))
      return scan(start, over: steps) { state, input in
        let logits = model.next(after: state.second, step: input.first, &state.first)
        state.second = draw(logits, key.fork(input.second))
        return state.second
      }.outputs.transposed().inOrder(order.inverse)
    }
    return drawn(model, key)
  }

  private func draw(_ logits: Tensor, _ key: RandomKey) -> Tensor {
    key.categorical(temperature == 1 ? logits : logits / temperature)
  }
}

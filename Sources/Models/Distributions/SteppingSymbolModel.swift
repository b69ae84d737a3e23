public import Layers
public import Tensors

/// A model that reads a sequence symbol by symbol and remembers what it needs, so that drawing a place costs no more than
/// the place.
public protocol SteppingSymbolModel: SymbolModel {
  /// What was made of the symbols so far.
  associatedtype Memory: Module

  /// - Parameter length: places of the sequences that are read.
  func memory(batch: Int, length: Int) -> Memory
  /// Reads the symbol before a place and predicts the place: [batch, alphabet].
  /// - Parameters:
  ///   - previous: symbols of the place before in the model's order, int32 [batch]; −1 before the first.
  ///   - step: how many places have been predicted: int32, shape [].
  func next(after previous: Tensor, step: Tensor, _ memory: inout Memory) -> Tensor
}

extension SteppingSymbolModel {
  /// The logits of all places [batch, length, alphabet], by reading them one after the other.
  public func steppedLogits(of symbols: Tensor) -> Tensor {
    let (batch, length) = (symbols.shape[0], symbols.shape[1])
    let order = order(of: length)
    let inOrder = symbols.cast(to: .int32).inOrder(order)
    let first = Tensor.fill(integer: -1, [1, batch], .int32)
    let previous = concatenate([first, inOrder.transposed().sliced(0, 0..<length - 1)])
    let steps = Pair(previous, Tensor.range(length))
    let logits = scan(memory(batch: batch, length: length), over: steps) { memory, input in
      next(after: input.first, step: input.second, &memory)
    }.outputs
    return logits.transposed([1, 0, 2]).inOrder(order.inverse)
  }
}

extension Tensor {
  /// Places along axis 1 in another order: place i is what was at `order[i]`.
  package func inOrder(_ order: [Int]) -> Tensor {
    order == Array(0..<order.count) ? self : gathered(1, Tensor(order.map(Int32.init)))
  }
}

extension [Int] {
  /// The permutation that undoes this one.
  package var inverse: [Int] {
    var result = self
    for (i, place) in enumerated() { result[place] = i }
    return result
  }
}

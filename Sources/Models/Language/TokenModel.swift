public import Layers
public import Tensors

/// A model of the next token that remembers what it has read: what token samplers ask for.
public protocol TokenModel: Module {
  /// What was read so far: a recurrent state, or keys and values.
  associatedtype Memory: Module

  /// An empty memory with room for `capacity` tokens.
  func memory(batch: Int, capacity: Int) -> Memory
  /// Reads the next tokens [batch, length] and gives the logits behind the last of them, [batch, vocabulary].
  func read(_ ids: Tensor, _ memory: inout Memory) -> Tensor
}

extension GPT: TokenModel {
  public func memory(batch: Int, capacity: Int) -> [KeyValueCache] {
    caches(batch: batch, capacity: capacity)
  }

  public func read(_ ids: Tensor, _ memory: inout [KeyValueCache]) -> Tensor {
    self(ids, caches: &memory).element(1, -1)
  }
}

extension RecurrentLanguageModel: TokenModel {
  public func memory(batch: Int, capacity: Int) -> [RecurrentState] { start(batch: batch) }

  public func read(_ ids: Tensor, _ memory: inout [RecurrentState]) -> Tensor {
    let (states, last) = recurrent(tokens(ids.transposed()), state: memory, isTimeMajor: true)
    memory = last
    return head(states.element(0, -1))
  }
}

public import Layers
public import Tensors

/// What a recurrent encoder has made of texts.
public struct SequenceSource: Module {
  /// [batch, length, width]; 0 beyond a text's end.
  public var states: Tensor
  /// Which places are tokens: bool, [batch, length]; nil: all.
  public var mask: Tensor?
  /// The states that a decoder begins with, one a layer.
  public var last: [RecurrentState]

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("states", &states)
    visitor.buffer("mask", &mask)
    visitor.buffer("last", &last)
  }
}

/// What a recurrent decoder remembers.
public struct SequenceMemory: TokenMemory {
  /// What a step hands to the next one.
  public struct Carry: Module {
    /// One a layer.
    public var states: [RecurrentState]
    /// The attentional state of the step before, where it enters the next one.
    public var fed: Tensor?

    public mutating func visit(_ visitor: inout Visitor) {
      visitor.buffer("states", &states)
      visitor.buffer("fed", &fed)
    }
  }

  public var carry: Carry
  /// The source as attention reads it; nil without attention.
  public var source: AlignmentMemory?
  /// How many tokens at the beginning of each text are none: int32, [batch]; nil once they have been read.
  public var padding: Tensor?

  public func rows(_ ids: Tensor) -> SequenceMemory { mapTensors { $0.rows(ids) } }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("carry", &carry)
    visitor.buffer("source", &source)
    visitor.buffer("padding", &padding)
  }
}

extension RecurrentSeq2Seq: TokenModel {
  public var context: Int? { nil }

  public func memory(of source: SequenceSource, batch: Int, capacity: Int, padding: Tensor?)
    -> SequenceMemory
  {
    var memory = memory(of: source)
    memory.padding = padding
    return memory
  }

  public func read(_ ids: Tensor, _ memory: inout SequenceMemory, last count: Int) -> Tensor {
    let shifted = memory.padding.map { ShiftedTokens(ids, padding: $0) }
    memory.padding = nil
    let states = decoded(shifted?.ids ?? ids, &memory, lengths: shifted?.lengths).states
    return head(shifted?.last(count, of: states) ?? states.lastPlaces(count))
  }
}

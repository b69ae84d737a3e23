public import Layers
public import Tensors

/// A GPT as a model of sequences of symbols: bytes of a file, pixels in rows. A token of its own, which is never predicted,
/// stands before the first symbol.
public struct SequenceGPT: SteppingSymbolModel {
  public let alphabet: Int
  public var gpt: GPT
  public let length: Int?

  /// - Parameters:
  ///   - configuration: its `vocabulary` and `head` are set by the alphabet.
  ///   - length: places of every sequence; nil where they may have any number that the context holds.
  public init(
    alphabet: Int, _ configuration: GPTConfiguration, length: Int? = nil, key: RandomKey
  ) {
    var configuration = configuration
    configuration.vocabulary = alphabet + 1
    configuration.head = .own(alphabet)
    self.alphabet = alphabet
    self.length = length
    gpt = GPT(configuration, key: key)
  }

  public var longest: Int? { gpt.context }

  public func logits(of symbols: Tensor) -> Tensor { logits(of: symbols, .inference) }

  public func logits(of symbols: Tensor, _ phase: Phase) -> Tensor {
    let symbols = symbols.symbols
    let first = Tensor.fill(integer: Int64(alphabet), [symbols.shape[0], 1], symbols.dataType)
    let before = symbols.sliced(1, 0..<max(0, symbols.shape[1] - 1))
    return gpt(concatenate([first, before], axis: 1), phase)
  }

  public func memory(batch: Int, length: Int) -> DecoderMemory {
    gpt.memory(of: Nothing(), batch: batch, capacity: length, padding: nil)
  }

  public func next(after previous: Tensor, step: Tensor, _ memory: inout DecoderMemory) -> Tensor {
    let start = Tensor.fill(integer: Int64(alphabet), previous.shape, previous.dataType)
    let ids = select(previous.less(than: previous.zerosLike()), start, previous)
    return gpt.read(ids.expanded(1), &memory, last: 1).squeezed(1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&gpt)
    visitor.fixed("alphabet", alphabet)
    visitor.fixed("length", length)
  }
}

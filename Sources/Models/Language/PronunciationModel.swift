public import Layers
public import Tensors

/// Spelling to sound: a gated recurrent network reads a word letter by letter, another writes its phonemes (Cho et al.,
/// arXiv:1406.1078; weights: github.com/Kyubyong/g2p).
public struct PronunciationModel: Module {
  /// Letter tokens: padding, unknown, end of word, then a to z.
  public static let letters =
    ["<pad>", "<unk>", "</s>"] + "abcdefghijklmnopqrstuvwxyz".map(String.init)
  /// Phoneme tokens: padding, unknown, start, end, then ARPAbet's symbols; the digit of a vowel is its stress.
  public static let phonemes: [String] = {
    let vowels = [
      "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW",
    ]
    let others = [
      "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH",
      "T", "TH", "UW", "V", "W", "Y", "Z", "ZH",
    ]
    let stressed = vowels.flatMap { vowel in (0...2).map { "\(vowel)\($0)" } }
    return ["<pad>", "<unk>", "<s>", "</s>"] + (stressed + others).sorted()
  }()
  static let (start, end) = (2, 3)

  public var letterTable: Embedding
  public var encoder: GRUCell
  public var phonemeTable: Embedding
  public var decoder: GRUCell
  public var head: Linear

  public init(width: Int = 256, key: RandomKey) {
    letterTable = Embedding(count: Self.letters.count, width: width, key: key.fork(0))
    encoder = GRUCell(inputs: width, width: width, key: key.fork(1))
    phonemeTable = Embedding(count: Self.phonemes.count, width: width, key: key.fork(2))
    decoder = GRUCell(inputs: width, width: width, key: key.fork(3))
    head = Linear(inputs: width, outputs: Self.phonemes.count, key: key.fork(4))
  }

  /// The letter tokens of a word, its end among them. Letters with marks are unknown.
  public static func tokens(of word: String) -> [Int] {
    word.lowercased().map { letters.firstIndex(of: String($0)) ?? 1 } + [2]
  }

  /// How a word is pronounced, such as `["S", "W", "IH1", "F", "T"]`.
  /// - Parameter limit: the most phonemes.
  public func pronounce(_ word: String, limit: Int = 20) -> [String] {
    let tokens = Self.tokens(of: word).map { Int32($0) }
    let written = decode(encode(Tensor(tokens, shape: [1, tokens.count])), limit: limit).phonemes
    return written.doubles().map { Int($0) }.prefix { $0 != Self.end }.map { Self.phonemes[$0] }
  }

  /// The state behind the last letter: letter tokens [batch, time] → [batch, width].
  public func encode(_ letters: Tensor) -> RecurrentState {
    let steps = encoder.projected(letterTable(letters.transposed()))
    let start = encoder.start(batch: letters.shape[0])
    return scan(start, over: steps) { state, x in
      encoder.advance(&state, x)
      return Nothing()
    }.carry
  }

  /// The most likely phoneme again and again; what follows an end token means nothing.
  /// - Returns: phoneme tokens [batch, limit], int32, and the logits that chose them, [batch, limit, phonemes].
  public func decode(_ state: RecurrentState, limit: Int) -> (phonemes: Tensor, logits: Tensor) {
    let batch = state.hidden.shape[0]
    let first = Tensor.fill(integer: Int64(Self.start), [batch], .int32)
    let steps = scan(Pair(state, first), over: Nothing(), length: limit) { carry, _ in
      _ = decoder(phonemeTable(carry.second), &carry.first)
      let logits = head(carry.first.hidden)
      carry.second = logits.argmax()
      return Pair(carry.second, logits)
    }.outputs
    return (steps.first.transposed(), steps.second.swapped(0, 1))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("letters", &letterTable)
    visitor("encoder", &encoder)
    visitor("phonemes", &phonemeTable)
    visitor("decoder", &decoder)
    visitor("head", &head)
  }
}

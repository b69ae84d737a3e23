public import Layers
public import Tensors

/// How a recurrent decoder looks at its source: which of its states asks, and by which score.
public enum AlignmentKind: Codable, Hashable, Sendable {
  /// The state before the step asks by an additive score, and the answer enters the step (Bahdanau et al.,
  /// arXiv:1409.0473). `width`: the inner numbers of the score.
  case bahdanau(width: Int)
  /// The state behind the step asks (Luong et al., arXiv:1508.04025). `feedsInput`: the attentional state of a step enters
  /// the next one.
  case luong(AlignmentScore, feedsInput: Bool)
}

/// How well a place of the source fits a decoder's state h, by its own state s (Luong et al. 2015, equations 7 and 8).
public enum AlignmentScore: Codable, Hashable, Sendable {
  /// hᵀ s, of states of one width.
  case dot
  /// hᵀ W s.
  case general
  /// vᵀ tanh(W [h; s]); `width`: the rows of W.
  case concat(width: Int)
  /// (W h) at the place alone, whatever stands there; `longest`: the places that there may be.
  case location(longest: Int)
}

/// Attention of a recurrent decoder: scores, their softmax over the source's tokens, and the attentional state
/// tanh(W [context; h]) that the next token is read off (Luong et al. 2015, equation 5).
public struct Alignment: Module {
  public let kind: AlignmentKind
  /// What the score does to the decoder's state.
  public var query: Linear?
  /// What it does to the source's states.
  public var memory: Linear?
  /// v: [width of the score].
  public var vector: Tensor?
  /// W of the attentional state: [width of h, width of the source + width of h].
  public var mix: Linear

  /// - Parameters:
  ///   - sourceWidth: the numbers of the source's states.
  ///   - width: those of the decoder's.
  public init(_ kind: AlignmentKind, sourceWidth: Int, width: Int, key: RandomKey) {
    self.kind = kind
    func linear(_ inputs: Int, _ outputs: Int, _ place: Int) -> Linear {
      Linear(
        weight: Initializer.xavierUniform()([outputs, inputs], key.fork(place)))
    }
    mix = linear(sourceWidth + width, width, 0)
    switch kind {
    case .bahdanau(let inner), .luong(.concat(let inner), _):
      query = linear(width, inner, 1)
      memory = linear(sourceWidth, inner, 2)
      vector = Initializer.fanInUniform([1, inner], key.fork(3)).reshaped([inner])
    case .luong(.general, _): memory = linear(sourceWidth, width, 2)
    case .luong(.location(let longest), _): query = linear(width, longest, 1)
    case .luong(.dot, _):
      guard sourceWidth == width else {
        fail("alignment: dot compares states of one width, not \(sourceWidth) and \(width)")
      }
    }
  }

  var asksBefore: Bool { if case .bahdanau = kind { true } else { false } }
  var feedsInput: Bool { if case .luong(_, true) = kind { true } else { false } }
  /// The numbers that enter a step besides the token.
  var fed: Int { asksBefore ? mix.inputs - mix.outputs : feedsInput ? mix.outputs : 0 }

  /// What is computed of a source once.
  /// - Parameters:
  ///   - states: [batch, length, width].
  ///   - mask: which places are tokens: bool, [batch, length]; nil: all.
  public func memory(of states: Tensor, mask: Tensor?) -> AlignmentMemory {
    if case .luong(.location(let longest), _) = kind, states.shape[1] > longest {
      fail("alignment: \(states.shape[1]) places, but location scores are for \(longest)")
    }
    return AlignmentMemory(keys: memory.map { $0(states) } ?? states, values: states, mask: mask)
  }

  /// How much each state of the decoder [batch, steps, width] looks at each place: [batch, steps, length], in each row a
  /// sum of 1, and 0 where there is no token.
  public func weights(_ states: Tensor, _ source: AlignmentMemory) -> Tensor {
    var scores =
      switch kind {
      case .bahdanau, .luong(.concat, _):
        ((query!(states).expanded(2) + source.keys.expanded(1)).tanh() * vector!).sum([-1])
      case .luong(.dot, _), .luong(.general, _):
        matrixProduct(states, source.keys.transposed())
      case .luong(.location, _): query!(states).sliced(-1, 0..<source.keys.shape[1])
      }
    if let mask = source.mask {
      scores = select(mask.expanded(1), scores, Tensor(-Double.infinity, scores.dataType))
    }
    return scores.softmax(-1)
  }

  /// One state of each row [batch, width]: what it sees, [batch, width of the source], and where, [batch, length].
  func read(_ state: Tensor, _ source: AlignmentMemory) -> (context: Tensor, weights: Tensor) {
    let weights = weights(state.expanded(1), source)
    return (matrixProduct(weights, source.values).squeezed(1), weights.squeezed(1))
  }

  func mixed(_ context: Tensor, _ state: Tensor) -> Tensor {
    mix(concatenate([context, state], axis: -1)).tanh()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("query", &query)
    visitor("memory", &memory)
    visitor("vector", &vector)
    visitor("mix", &mix)
    visitor.fixed("kind", kind)
  }
}

/// A source as a decoder's attention reads it.
public struct AlignmentMemory: Module {
  /// [batch, length, numbers of the score].
  public var keys: Tensor
  /// [batch, length, width].
  public var values: Tensor
  /// Which places are tokens: bool, [batch, length]; nil: all.
  public var mask: Tensor?

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("keys", &keys)
    visitor.buffer("values", &values)
    visitor.buffer("mask", &mask)
  }
}

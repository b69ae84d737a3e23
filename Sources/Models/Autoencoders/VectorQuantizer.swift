public import Layers
public import Tensors

/// Replaces every vector by the nearest of a codebook (van den Oord et al., arXiv:1711.00937): [batch…, width].
public struct VectorQuantizer: Module {
  /// [codes, width].
  public var codebook: Tensor
  /// How many vectors each code stood for lately, and their sum: [codes] and [codes, width]; nil where gradients train the
  /// codebook.
  public var averages: Averages?
  /// The share of the old averages that each batch leaves.
  public let decay: Double
  /// A code that stands for fewer vectors of a batch, on average, is put in the place of a random one of them; 0: never. So
  /// the codebook begins with vectors of the first batch.
  public let leastUsage: Double

  public struct Averages: Module {
    public var counts: Tensor
    public var sums: Tensor

    public mutating func visit(_ visitor: inout Visitor) {
      visitor.buffer("cluster_size", &counts)
      visitor.buffer("embed_avg", &sums)
    }
  }

  /// What became of vectors.
  public struct Quantized {
    /// The nearest codes' vectors; gradients reach the given vectors as if they were those: [batch…, width].
    public let vectors: Tensor
    /// int32, [batch…].
    public let codes: Tensor
    /// The mean squared distance of the given vectors from their codes, for the encoder: shape [].
    public let commitment: Tensor
    /// The same for the codebook, where gradients train it.
    public let codebookLoss: Tensor?
  }

  /// - Parameters:
  ///   - decay: of the moving averages that make the codebook (appendix A.1); nil: gradients train it.
  public init(
    codes: Int, width: Int, decay: Double? = 0.99, leastUsage: Double = 0.5, key: RandomKey
  ) {
    codebook = key.uniform([codes, width], in: -1 / Double(codes)..<1 / Double(codes))
    averages = decay.map { _ in
      Averages(counts: .zeros([codes]), sums: .zeros([codes, width]))
    }
    self.decay = decay ?? 0
    self.leastUsage = leastUsage
  }

  /// The numbers of the nearest codes, by differences that lose no digits: int32, [batch…].
  public func codes(of x: Tensor) -> Tensor {
    (x.expanded(x.rank - 1) - codebook).square().sum([-1]).argmin(-1)
  }

  /// The vectors of codes: [batch…] → [batch…, width].
  public func vectors(of codes: Tensor) -> Tensor { codebook.rows(codes) }

  /// In training, averages move, and codes that stand for nothing begin anew.
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Quantized {
    let codes = codes(of: x.stopped())
    let nearest = vectors(of: codes)
    let result = Quantized(
      vectors: x + (nearest - x).stopped(), codes: codes,
      commitment: (x - nearest.stopped()).square().mean(),
      codebookLoss: averages == nil ? (x.stopped() - nearest).square().mean() : nil)
    if case .training(let key) = phase, averages != nil { update(x.stopped(), codes, key) }
    return result
  }

  private mutating func update(_ x: Tensor, _ codes: Tensor, _ key: RandomKey) {
    guard let old = averages else { return }
    let width = codebook.shape[1]
    let vectors = x.reshaped([-1, width]).cast(to: codebook.dataType)
    let members = codes.reshaped([-1]).oneHot(codebook.shape[0], codebook.dataType)
    var counts = old.counts * decay + members.sum([0]) * (1 - decay)
    var sums = old.sums * decay + matrixProduct(members.transposed(), vectors) * (1 - decay)
    if leastUsage > 0 {
      let isDead = counts.less(than: leastUsage)
      let chosen = vectors.rows(key.integers(below: vectors.shape[0], [codebook.shape[0]]))
      counts = select(isDead, counts.onesLike(), counts)
      sums = select(isDead.expanded(-1), chosen, sums)
    }
    averages = Averages(counts: counts, sums: sums)
    // A code that nothing falls to keeps its place.
    let total = counts.sum()
    let smoothed = (counts + 1e-5) / (total + 1e-5 * Double(codebook.shape[0])) * total
    codebook = select(
      counts.greater(than: 1e-5).expanded(-1), sums / smoothed.expanded(-1), codebook)
  }

  /// e to the entropy of how often codes are used: the number of codes that are in even use. Shape [].
  public func perplexity(of codes: Tensor) -> Tensor {
    let shares = codes.reshaped([-1]).oneHot(codebook.shape[0]).mean([0])
    return (-(shares * maximum(shares, 1e-12).log()).sum()).exp()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    if averages == nil {
      visitor("weight", &codebook)
    } else {
      visitor.buffer("weight", &codebook)
    }
    visitor("averages", &averages)
    visitor.fixed("decay", decay)
    visitor.fixed("least_usage", leastUsage)
  }
}

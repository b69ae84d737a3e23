public import Tensors

/// A picture cut into patches, each turned into a token by one product (Dosovitskiy et al., arXiv:2010.11929, eq. 1).
///
/// What is left over at the right and at the bottom is cut off, or filled up with zeros to whole patches.
public struct PatchEmbedding: Module {
  /// Its kernel and stride are the patch.
  public var proj: Convolution
  /// Of every token; nil where there is none.
  public var norm: LayerNorm?
  /// Fills up, cuts nothing off.
  public let fills: Bool

  /// - Parameters:
  ///   - patch: height and width.
  ///   - inputs: channels of the pictures.
  ///   - width: of the tokens.
  public init(
    patch: [Int], inputs: Int, width: Int, hasBias: Bool = true, norm: LayerNorm? = nil,
    fills: Bool = false, key: RandomKey
  ) {
    proj = Convolution(
      inputs: inputs, outputs: width, kernel: patch, stride: patch, hasBias: hasBias, key: key)
    self.norm = norm
    self.fills = fills
  }

  /// [batch, height, width, channels] → [batch, rows, columns, width].
  public func map(_ x: Tensor) -> Tensor {
    let map = proj(filled(x)).recorded("patch_embed.proj")
    return norm.map { $0(map) } ?? map
  }

  /// The tokens, row by row: [batch, rows · columns, width].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    map(x).flattened(1..<3).recorded("patch_embed")
  }

  private func filled(_ x: Tensor) -> Tensor {
    guard fills else { return x }
    let missing = zip(x.shape[1...2], proj.stride).map { ($1 - $0 % $1) % $1 }
    return missing == [0, 0] ? x : x.padded([(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("proj", &proj)
    visitor("norm", &norm)
    visitor.fixed("fills", fills)
  }
}

/// Tokens of a picture or of a map by a convolution whose windows overlap, and a norm (CvT: Wu et al., arXiv:2103.15808).
public struct ConvolutionalEmbedding: Module {
  public var convolution: Convolution
  public var norm: LayerNorm
  /// The norm stands before the convolution.
  public let isNormFirst: Bool

  public init(
    inputs: Int, outputs: Int, kernel: Int, stride: Int, padding: Int, isNormFirst: Bool = false,
    epsilon: Double = 1e-5, key: RandomKey
  ) {
    convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: [kernel, kernel], stride: [stride],
      padding: .symmetric([padding]), key: key)
    norm = LayerNorm(width: isNormFirst ? inputs : outputs, epsilon: epsilon)
    self.isNormFirst = isNormFirst
  }

  /// [batch, height, width, inputs] → [batch, rows, columns, outputs].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    isNormFirst ? convolution(norm(x)) : norm(convolution(x))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv", &convolution)
    visitor("norm", &norm)
    visitor.fixed("isNormFirst", isNormFirst)
  }
}

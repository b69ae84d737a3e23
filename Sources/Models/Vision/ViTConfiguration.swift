public import Layers

/// Sizes of a vision Transformer, of ViT, DeiT and the vision tower of CLIP.
public struct ViTConfiguration: Codable, Hashable, Sendable {
  /// What the head sees of all tokens.
  public enum Pooling: String, Codable, Hashable, Sendable {
    /// The class token.
    case token
    /// The mean of the patches.
    case average = "avg"
    case max
    /// The mean of both.
    case averageMax = "avgmax"
    /// All of them: the head works on every token.
    case none = ""
  }

  /// What has a trained position.
  public enum Positions: String, Codable, Hashable, Sendable { case all, patches, none }

  /// Where the last norm stands.
  public enum LastNorm: String, Codable, Hashable, Sendable {
    case tokens
    /// Behind the pooling.
    case pooled
    case none
  }

  /// A layer between what is pooled and the head.
  public struct Representation: Codable, Hashable, Sendable {
    public var width: Int
    public var activation: Activation

    public init(width: Int, activation: Activation = .tanh) {
      (self.width, self.activation) = (width, activation)
    }
  }

  /// Height and width of the pictures, and of the patches.
  public var image: [Int]
  public var patch: [Int]
  /// Channels of the pictures.
  public var inputs = 3
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Of a head's queries; width / heads unless given.
  public var headWidth: Int?
  /// Of the feed-forward parts.
  public var inner: Int
  /// Classes of the head; 0: there is none.
  public var classes = 1000
  public var activation = Activation.gelu
  public var epsilon = 1e-6

  public var hasClassToken = true
  /// A token that learns from a teacher (Touvron et al., arXiv:2012.12877).
  public var hasDistillationToken = false
  /// That token has a head of its own; else nothing reads it.
  public var hasDistillationHead = true
  /// Tokens for nothing but computing (Darcet et al., arXiv:2309.16588).
  public var registers = 0
  public var positions = Positions.all
  /// Positions are sines and cosines that are not trained.
  public var hasFixedPositions = false
  /// Pictures may have any size: the patches' positions are resampled to their grid.
  public var resamplesPositions = false
  /// Pictures are padded to whole patches, where sizes may differ.
  public var padsPictures = false
  /// A norm before the blocks, and no bias in the patch embedding (CLIP).
  public var normalisesFirst = false
  public var lastNorm = LastNorm.tokens
  public var pooling = Pooling.token
  /// Class token and registers take part in the pooling.
  public var poolsAllTokens = false
  public var representation: Representation?

  /// q, k and v are one product.
  public var isFused = true
  public var hasQueryBias = true
  /// Of all other products of the blocks.
  public var hasBias = true
  /// The first value of factors of the branches; nil: there are none.
  public var layerScale: Double?

  /// Of the tokens that enter the blocks, of branches, inside the feed-forward parts, of attention, and before the head.
  public var tokenDropout = 0.0
  public var dropout = 0.0
  public var innerDropout = 0.0
  public var attentionDropout = 0.0
  public var headDropout = 0.0
  /// Of the last block; rising evenly from 0 in the first.
  public var stochasticDepth = 0.0

  public init(
    image: [Int] = [224, 224], patch: [Int] = [16, 16], width: Int, layers: Int, heads: Int,
    inner: Int? = nil
  ) {
    (self.image, self.patch, self.width) = (image, patch, width)
    (self.layers, self.heads, self.inner) = (layers, heads, inner ?? 4 * width)
  }

  public static let tiny = Self(width: 192, layers: 12, heads: 3)
  public static let small = Self(width: 384, layers: 12, heads: 6)
  public static let base = Self(width: 768, layers: 12, heads: 12)
  public static let large = Self(width: 1024, layers: 24, heads: 16)
  public static let huge = Self(patch: [14, 14], width: 1280, layers: 32, heads: 16)

  /// Rows and columns of patches.
  public var grid: [Int] { zip(image, patch).map { $0 / $1 } }
  /// Tokens before those of the patches.
  public var prefix: Int { (hasClassToken ? 1 : 0) + (hasDistillationToken ? 1 : 0) + registers }
}

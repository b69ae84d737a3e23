public import Layers

/// Sizes of a Swin Transformer.
public struct SwinConfiguration: Codable, Hashable, Sendable {
  /// When windows are shifted, and in which order maps are turned and filled up.
  public enum Shifting: String, Codable, Hashable, Sendable {
    /// Along every axis that has more than one window.
    case byAxis
    /// Where both axes are longer than a window.
    case byMap
    /// Always, and maps are turned before they are filled up.
    case fixed
  }

  /// How tokens are made.
  public enum Embedding: String, Codable, Hashable, Sendable {
    /// Patches, of which four become one before every further stage.
    case patches
    /// Convolutions whose windows overlap, a stride of 4 and then of 2: CoSwin (arXiv:2111.11432, 2.2).
    case convolutions
  }

  /// One of the stages; all but the first begin with a merging of patches.
  public struct Stage: Codable, Hashable, Sendable {
    public var width: Int
    public var layers: Int
    public var heads: Int
    public var headWidth: Int
    /// Of the feed-forward parts.
    public var inner: Int
    /// Height and width.
    public var window: [Int]
    /// Of every second layer's windows.
    public var shift: [Int]

    /// - Parameters:
    ///   - headWidth: width / heads unless given.
    ///   - shift: half a window unless given.
    public init(
      width: Int, layers: Int, heads: Int, headWidth: Int? = nil, inner: Int? = nil,
      window: [Int] = [7, 7], shift: [Int]? = nil
    ) {
      (self.width, self.layers, self.heads) = (width, layers, heads)
      self.headWidth = headWidth ?? width / heads
      self.inner = inner ?? 4 * width
      (self.window, self.shift) = (window, shift ?? window.map { $0 / 2 })
    }
  }

  public var embedding = Embedding.patches
  /// Height and width of patches.
  public var patch = [4, 4]
  /// Channels of the pictures.
  public var inputs = 3
  public var stages: [Stage]
  public var shifting = Shifting.byAxis
  /// Pictures are filled up to whole patches, not cut.
  public var padsPictures = false
  /// Rows and columns of patches, which then have trained positions.
  public var grid: [Int]?
  /// Classes of the head; 0: there is none.
  public var classes = 1000
  public var pooling = GlobalPooling.average
  public var activation = Activation.gelu
  /// Of the layers' norms and the last; those behind patches add 1e-5.
  public var epsilon = 1e-5
  /// q, k and v are one product.
  public var isFused = true
  public var hasQueryBias = true

  /// Of the tokens, of branches, inside the feed-forward parts, of attention, and before the head.
  public var tokenDropout = 0.0
  public var dropout = 0.0
  public var innerDropout = 0.0
  public var attentionDropout = 0.0
  public var headDropout = 0.0
  /// Of the last layer; rising evenly from 0 in the first.
  public var stochasticDepth = 0.1

  public init(stages: [Stage]) { self.stages = stages }

  /// The widths double from stage to stage.
  public init(width: Int, layers: [Int], heads: [Int], window: [Int] = [7, 7]) {
    self.init(
      stages: layers.indices.map {
        Stage(width: width << $0, layers: layers[$0], heads: heads[$0], window: window)
      })
  }

  public static let tiny = Self(width: 96, layers: [2, 2, 6, 2], heads: [3, 6, 12, 24])
  public static let small = Self(width: 96, layers: [2, 2, 18, 2], heads: [3, 6, 12, 24])
  public static let base = Self(width: 128, layers: [2, 2, 18, 2], heads: [4, 8, 16, 32])
  public static let large = Self(width: 192, layers: [2, 2, 18, 2], heads: [6, 12, 24, 48])
}

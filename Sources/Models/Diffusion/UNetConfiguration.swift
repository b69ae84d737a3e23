/// Sizes of a diffusion U-Net, in the keys of the `config.json` that diffusers writes for `UNet2DModel`.
public struct UNetConfiguration: Codable, Hashable, Sendable {
  /// What a level on the way down is made of.
  public enum DownBlock: String, Codable, Hashable, Sendable {
    case plain = "DownBlock2D"
    case attention = "AttnDownBlock2D"
  }

  /// What a level on the way up is made of.
  public enum UpBlock: String, Codable, Hashable, Sendable {
    case plain = "UpBlock2D"
    case attention = "AttnUpBlock2D"
  }

  /// How the time enters a residual block.
  public enum TimeUse: String, Codable, Hashable, Sendable {
    /// It is added before the second norm.
    case added = "default"
    /// It scales and shifts behind the second norm.
    case scaleShift = "scale_shift"
  }

  /// Pixels along each side of the pictures it is meant for; it takes others whose sides the levels can halve.
  public var size: Int?
  public var inputs: Int
  public var outputs: Int
  /// Pixels along each side of a patch whose pixels become channels before the first level, so that it has fewer places
  /// to work on; 1: none. Not a key of diffusers.
  public var patch: Int
  /// Channels of each level.
  public var widths: [Int]
  public var downBlocks: [DownBlock]
  /// From the coarsest level to the finest.
  public var upBlocks: [UpBlock]
  /// Residual blocks of each level on the way down; one more on the way up.
  public var layers: Int
  /// Width of an attention's head; nil: there is one head.
  public var headWidth: Int?
  /// Whether there is attention between the ways down and up.
  public var attendsInMiddle: Bool
  public var normGroups: Int
  public var normEpsilon: Double
  /// Padding before the convolution that halves a picture; 0: one row and one column behind it.
  public var downsamplePadding: Int
  /// Whether cosines come first in the time's encoding.
  public var flipSinToCos: Bool
  public var frequencyShift: Int
  /// Width of the time's embedding; 4 times the first level's unless given.
  public var timeWidth: Int?
  public var timeUse: TimeUse
  public var dropout: Double
  /// Rows of the table of labels; nil: it is told none.
  public var classes: Int?
  /// Whether the last convolution of every branch and of the network begins as 0, as in DDPM. Not a key of diffusers.
  public var zeroInitialOutputs: Bool

  /// A network whose way up mirrors its way down.
  ///
  /// - Parameters:
  ///   - attention: levels, counted from 0, with attention behind each residual block.
  public init(
    size: Int? = nil, channels: Int = 3, patch: Int = 1, widths: [Int], layers: Int = 2,
    attention: Set<Int> = [], headWidth: Int? = nil, normGroups: Int = 32,
    normEpsilon: Double = 1e-5, dropout: Double = 0, classes: Int? = nil,
    zeroInitialOutputs: Bool = false
  ) {
    self.size = size
    (inputs, outputs) = (channels, channels)
    self.patch = patch
    self.widths = widths
    downBlocks = widths.indices.map { attention.contains($0) ? .attention : .plain }
    upBlocks = widths.indices.reversed().map { attention.contains($0) ? .attention : .plain }
    self.layers = layers
    self.headWidth = headWidth
    attendsInMiddle = true
    self.normGroups = normGroups
    self.normEpsilon = normEpsilon
    downsamplePadding = 1
    flipSinToCos = false
    frequencyShift = 0
    timeUse = .added
    self.dropout = dropout
    self.classes = classes
    self.zeroInitialOutputs = zeroInitialOutputs
  }

  /// Channels of the time's embedding.
  var embeddingWidth: Int { timeWidth ?? 4 * widths[0] }

  private enum CodingKeys: String, CodingKey {
    case size = "sample_size"
    case inputs = "in_channels"
    case outputs = "out_channels"
    case patch = "patch_size"
    case widths = "block_out_channels"
    case downBlocks = "down_block_types"
    case upBlocks = "up_block_types"
    case layers = "layers_per_block"
    case headWidth = "attention_head_dim"
    case attendsInMiddle = "add_attention"
    case normGroups = "norm_num_groups"
    case normEpsilon = "norm_eps"
    case downsamplePadding = "downsample_padding"
    case flipSinToCos = "flip_sin_to_cos"
    case frequencyShift = "freq_shift"
    case timeWidth = "time_embedding_dim"
    case timeUse = "resnet_time_scale_shift"
    case dropout
    case classes = "num_class_embeds"
    case zeroInitialOutputs = "zero_initial_outputs"
  }

  /// Keys of `UNet2DModel` that this network knows with one value only.
  private enum FixedKeys: String, CodingKey, CaseIterable {
    case activation = "act_fn"
    case downsample = "downsample_type"
    case upsample = "upsample_type"
    case time = "time_embedding_type"
    case middle = "mid_block_type"

    var value: String {
      switch self {
      case .activation: "silu"
      case .downsample, .upsample: "conv"
      case .time: "positional"
      case .middle: "UNetMidBlock2D"
      }
    }
  }
}

extension UNetConfiguration {
  /// Absent keys have diffusers' defaults.
  /// - Throws: `DecodingError` for values that this network does not know, with the key's name.
  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ absent: T) throws -> T {
      try keys.decodeIfPresent(T.self, forKey: key) ?? absent
    }
    self.init(widths: try value(.widths, [224, 448, 672, 896]))
    size = try keys.decodeIfPresent(Int.self, forKey: .size)
    inputs = try value(.inputs, 3)
    outputs = try value(.outputs, 3)
    patch = try value(.patch, 1)
    let deeper = max(widths.count - 1, 0)
    downBlocks = try value(.downBlocks, [.plain] + Array(repeating: .attention, count: deeper))
    upBlocks = try value(.upBlocks, Array(repeating: .attention, count: deeper) + [.plain])
    layers = try value(.layers, 2)
    headWidth = keys.contains(.headWidth) ? try keys.decode(Int?.self, forKey: .headWidth) : 8
    attendsInMiddle = try value(.attendsInMiddle, true)
    normGroups = try value(.normGroups, 32)
    normEpsilon = try value(.normEpsilon, 1e-5)
    downsamplePadding = try value(.downsamplePadding, 1)
    flipSinToCos = try value(.flipSinToCos, true)
    frequencyShift = try value(.frequencyShift, 0)
    timeWidth = try keys.decodeIfPresent(Int.self, forKey: .timeWidth)
    timeUse = try value(.timeUse, .added)
    dropout = try value(.dropout, 0)
    classes = try keys.decodeIfPresent(Int.self, forKey: .classes)
    zeroInitialOutputs = try value(.zeroInitialOutputs, false)

    let fixed = try decoder.container(keyedBy: FixedKeys.self)
    for key in FixedKeys.allCases {
      let given = try fixed.decodeIfPresent(String.self, forKey: key) ?? key.value
      guard given == key.value else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: fixed,
          debugDescription: "this network is built with \"\(key.value)\" only, not \"\(given)\"")
      }
    }
    if let problem {
      throw DecodingError.dataCorruptedError(
        forKey: .widths, in: keys, debugDescription: problem)
    }
  }

  /// Why no network can have these sizes; nil where one can.
  var problem: String? {
    if widths.isEmpty || widths.contains(where: { $0 < 2 || $0 % 2 != 0 }) {
      return "the levels' channels, \(widths), are not even numbers above 0"
    }
    if downBlocks.count != widths.count || upBlocks.count != widths.count {
      return
        "\(widths.count) levels have \(downBlocks.count) blocks down and \(upBlocks.count) up; give one for each"
    }
    if [layers, normGroups, inputs, outputs, patch].contains(where: { $0 < 1 }) {
      return "layers, groups, channels and patches are at least 1"
    }
    if let width = widths.first(where: { $0 % normGroups != 0 }) {
      return "\(width) channels do not divide into \(normGroups) groups of the norms"
    }
    if let headWidth, headWidth < 1 || widths.contains(where: { $0 % headWidth != 0 }) {
      return "\(widths) channels do not divide into heads of \(headWidth)"
    }
    return nil
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(size, forKey: .size)
    try keys.encode(inputs, forKey: .inputs)
    try keys.encode(outputs, forKey: .outputs)
    try keys.encode(patch, forKey: .patch)
    try keys.encode(widths, forKey: .widths)
    try keys.encode(downBlocks, forKey: .downBlocks)
    try keys.encode(upBlocks, forKey: .upBlocks)
    try keys.encode(layers, forKey: .layers)
    // Written where it is null too, since its absence means 8.
    try keys.encode(headWidth, forKey: .headWidth)
    try keys.encode(attendsInMiddle, forKey: .attendsInMiddle)
    try keys.encode(normGroups, forKey: .normGroups)
    try keys.encode(normEpsilon, forKey: .normEpsilon)
    try keys.encode(downsamplePadding, forKey: .downsamplePadding)
    try keys.encode(flipSinToCos, forKey: .flipSinToCos)
    try keys.encode(frequencyShift, forKey: .frequencyShift)
    try keys.encode(timeWidth, forKey: .timeWidth)
    try keys.encode(timeUse, forKey: .timeUse)
    try keys.encode(dropout, forKey: .dropout)
    try keys.encode(classes, forKey: .classes)
    try keys.encode(zeroInitialOutputs, forKey: .zeroInitialOutputs)
  }
}

public import Layers
public import Tensors

/// x + conv2(silu(norm2(conv1(silu(norm1(x))) + time))) (Ho et al., arXiv:2006.11239, appendix B), under diffusers' names.
public struct UNetResidualBlock: Module {
  public var norm1: GroupNorm
  public var conv1: Convolution
  public var time: Linear
  public var norm2: GroupNorm
  public var dropout: Dropout
  public var conv2: Convolution
  /// nil where the input is added as it is.
  public var shortcut: Convolution?
  let timeUse: UNetConfiguration.TimeUse

  init(_ configuration: UNetConfiguration, inputs: Int, outputs: Int, key: RandomKey) {
    norm1 = .init(configuration, inputs)
    conv1 = .square(3, inputs, outputs, key: key.fork(0))
    timeUse = configuration.timeUse
    time = Linear(
      inputs: configuration.embeddingWidth, outputs: timeUse == .added ? outputs : 2 * outputs,
      key: key.fork(1))
    norm2 = .init(configuration, outputs)
    dropout = Dropout(configuration.dropout)
    conv2 = .square(3, outputs, outputs, key: key.fork(2))
    if configuration.zeroInitialOutputs { conv2 = conv2.mapTensors { $0.zerosLike() } }
    shortcut = inputs == outputs ? nil : .square(1, inputs, outputs, key: key.fork(3))
  }

  /// - Parameters:
  ///   - x: [batch, height, width, channels].
  ///   - time: the activated embedding, [batch, width].
  func callAsFunction(_ x: Tensor, _ time: Tensor, _ phase: Phase) -> Tensor {
    let time = self.time(time).expanded([1, 2])
    var hidden = conv1(norm1(x, activation: .silu), phase)
    switch timeUse {
    case .added: hidden = norm2(hidden + time, activation: .silu)
    case .scaleShift:
      let parts = time.split(-1, into: 2)
      hidden = (norm2(hidden, phase) * (parts[0] + 1) + parts[1]).silu()
    }
    return (shortcut.map { $0(x, phase) } ?? x) + conv2(dropout(hidden, phase), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm1", &norm1)
    visitor("conv1", &conv1)
    visitor("time_emb_proj", &time)
    visitor("norm2", &norm2)
    visitor.inline(&dropout)
    visitor("conv2", &conv2)
    visitor("conv_shortcut", &shortcut)
    visitor.fixed("time_use", timeUse)
  }
}

/// Every pixel's attention to all pixels, added to the picture.
public struct UNetAttention: Module {
  public var norm: GroupNorm
  public var attention: MultiHeadAttention

  init(_ configuration: UNetConfiguration, channels: Int, key: RandomKey) {
    norm = .init(configuration, channels)
    attention = MultiHeadAttention(
      width: channels, heads: configuration.headWidth.map { channels / $0 } ?? 1, isFused: false,
      key: key)
    if configuration.zeroInitialOutputs {
      attention.output = attention.output?.mapTensors { $0.zerosLike() }
    }
  }

  func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let pixels = norm(x, phase).flattened(1..<3)
    return x + attention(pixels, phase).reshaped(x.shape)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("group_norm", &norm)
    visitor("to_q", &attention.query)
    visitor("to_k", &attention.key)
    visitor("to_v", &attention.value)
    visitor("to_out.0", &attention.output)
    attention.visitSettings(&visitor)
  }
}

/// A level on the way down: residual blocks, each with attention behind it or none, and a halving but on the last level.
public struct UNetDownLevel: Module {
  public var blocks: [UNetResidualBlock]
  public var attentions: [UNetAttention]
  public var downsample: Convolution?

  init(_ configuration: UNetConfiguration, level: Int, key: RandomKey) {
    let width = configuration.widths[level]
    let inputs = configuration.widths[max(level - 1, 0)]
    blocks = (0..<configuration.layers).map {
      UNetResidualBlock(
        configuration, inputs: $0 == 0 ? inputs : width, outputs: width, key: key.fork(0).fork($0))
    }
    attentions =
      configuration.downBlocks[level] == .plain
      ? []
      : blocks.indices.map {
        UNetAttention(configuration, channels: width, key: key.fork(1).fork($0))
      }
    if level < configuration.widths.count - 1 {
      // Without padding in front the windows lie half a pixel further, as in the first DDPM.
      let padding =
        configuration.downsamplePadding == 0
        ? SpatialPadding.each(low: [0], high: [1]) : .symmetric([configuration.downsamplePadding])
      downsample = Convolution(
        inputs: width, outputs: width, kernel: [3, 3], stride: [2], padding: padding,
        key: key.fork(2))
    }
  }

  /// Adds what the way up will need to `skips`.
  func callAsFunction(
    _ x: Tensor, _ time: Tensor, skips: inout [Tensor], _ phase: Phase
  ) -> Tensor {
    var x = x
    for i in blocks.indices {
      x = blocks[i](x, time, phase.fork(i))
      if !attentions.isEmpty { x = attentions[i](x, phase) }
      skips.append(x)
    }
    if let downsample {
      x = downsample(x, phase)
      skips.append(x)
    }
    return x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("resnets", &blocks)
    visitor("attentions", &attentions)
    visitor("downsamplers.0.conv", &downsample)
  }
}

/// Two residual blocks with attention between them, on the coarsest level.
public struct UNetMiddle: Module {
  public var blocks: [UNetResidualBlock]
  public var attentions: [UNetAttention]

  init(_ configuration: UNetConfiguration, key: RandomKey) {
    let width = configuration.widths[configuration.widths.count - 1]
    blocks = (0..<2).map {
      UNetResidualBlock(configuration, inputs: width, outputs: width, key: key.fork(0).fork($0))
    }
    attentions =
      configuration.attendsInMiddle
      ? [UNetAttention(configuration, channels: width, key: key.fork(1))] : []
  }

  func callAsFunction(_ x: Tensor, _ time: Tensor, _ phase: Phase) -> Tensor {
    var x = blocks[0](x, time, phase.fork(0))
    for attention in attentions { x = attention(x, phase) }
    return blocks[1](x, time, phase.fork(1))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("resnets", &blocks)
    visitor("attentions", &attentions)
  }
}

/// A level on the way up: residual blocks that see what the way down had, and a doubling but on the last level.
public struct UNetUpLevel: Module {
  public var blocks: [UNetResidualBlock]
  public var attentions: [UNetAttention]
  public var upsample: Convolution?

  /// - Parameter level: as on the way down, 0 being the finest.
  init(_ configuration: UNetConfiguration, level: Int, key: RandomKey) {
    let (widths, layers) = (configuration.widths, configuration.layers)
    let width = widths[level]
    blocks = (0...layers).map { place in
      let below = place == 0 ? widths[min(level + 1, widths.count - 1)] : width
      let skipped = place == layers ? widths[max(level - 1, 0)] : width
      return UNetResidualBlock(
        configuration, inputs: below + skipped, outputs: width, key: key.fork(0).fork(place))
    }
    attentions =
      configuration.upBlocks[widths.count - 1 - level] == .plain
      ? []
      : blocks.indices.map {
        UNetAttention(configuration, channels: width, key: key.fork(1).fork($0))
      }
    upsample = level == 0 ? nil : .square(3, width, width, key: key.fork(2))
  }

  /// Takes what it needs from the end of `skips`.
  func callAsFunction(
    _ x: Tensor, _ time: Tensor, skips: inout [Tensor], _ phase: Phase
  ) -> Tensor {
    var x = x
    for i in blocks.indices {
      x = blocks[i](concatenate([x, skips.removeLast()], axis: -1), time, phase.fork(i))
      if !attentions.isEmpty { x = attentions[i](x, phase) }
    }
    guard let upsample, let finer = skips.last else { return x }
    return upsample(x.resized(to: Array(finer.shape[1..<3])), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("resnets", &blocks)
    visitor("attentions", &attentions)
    visitor("upsamplers.0.conv", &upsample)
  }
}

/// The U-Net of DDPM (Ho et al., arXiv:2006.11239, appendix B; Ronneberger et al., arXiv:1505.04597), under the names of
/// diffusers' `UNet2DModel`.
///
/// A picture gets smaller level by level and large again; on the way up each level sees what the way down had there.
public struct UNet: Denoiser {
  public var timeEmbedding: [Linear]
  /// Added to the time's embedding by label; nil where the network is told none.
  public var classEmbedding: Embedding?
  public var input: Convolution
  public var down: [UNetDownLevel]
  public var middle: UNetMiddle
  public var up: [UNetUpLevel]
  public var outputNorm: GroupNorm
  public var output: Convolution
  public let configuration: UNetConfiguration

  /// Weights uniform as PyTorch draws them.
  public init(_ configuration: UNetConfiguration, key: RandomKey) {
    if let problem = configuration.problem { fail("U-Net: \(problem)") }
    self.configuration = configuration
    let (widths, time) = (configuration.widths, configuration.embeddingWidth)
    timeEmbedding = [
      Linear(inputs: widths[0], outputs: time, key: key.fork(0)),
      Linear(inputs: time, outputs: time, key: key.fork(1)),
    ]
    classEmbedding = configuration.classes.map {
      Embedding(count: $0, width: time, key: key.fork(2))
    }
    let area = configuration.patch * configuration.patch
    input = .square(3, configuration.inputs * area, widths[0], key: key.fork(3))
    down = widths.indices.map {
      UNetDownLevel(configuration, level: $0, key: key.fork(4).fork($0))
    }
    middle = UNetMiddle(configuration, key: key.fork(5))
    up = widths.indices.reversed().map {
      UNetUpLevel(configuration, level: $0, key: key.fork(6).fork($0))
    }
    outputNorm = .init(configuration, widths[0])
    output = .square(3, widths[0], configuration.outputs * area, key: key.fork(7))
    if configuration.zeroInitialOutputs { output = output.mapTensors { $0.zerosLike() } }
  }

  /// - Parameters:
  ///   - x: [batch, height, width, channels].
  ///   - time: [batch], of any type.
  ///   - condition: labels [batch]; nil: nothing is added for them.
  public func callAsFunction(
    _ x: Tensor, at time: Tensor, condition: Tensor?, _ phase: Phase
  ) -> Tensor {
    let time = embedded(time, condition).silu()
    var x = input(patches(of: x), phase)
    var skips = [x]
    for i in down.indices { x = down[i](x, time, skips: &skips, phase.fork(i)) }
    x = middle(x, time, phase.fork(down.count))
    for i in up.indices { x = up[i](x, time, skips: &skips, phase.fork(down.count + 1 + i)) }
    return joined(output(outputNorm(x, activation: .silu), phase))
  }

  /// [batch, height, width, channels] → [batch, height / patch, width / patch, patch · patch · channels].
  private func patches(of x: Tensor) -> Tensor {
    let (patch, shape) = (configuration.patch, x.shape)
    guard patch > 1 else { return x }
    return x.reshaped([shape[0], shape[1] / patch, patch, shape[2] / patch, patch, shape[3]])
      .transposed([0, 1, 3, 2, 4, 5]).flattened(3..<6)
  }

  /// The way back from patches to pixels.
  private func joined(_ x: Tensor) -> Tensor {
    let (patch, shape) = (configuration.patch, x.shape)
    guard patch > 1 else { return x }
    return x.reshaped([shape[0], shape[1], shape[2], patch, patch, configuration.outputs])
      .transposed([0, 1, 3, 2, 4, 5])
      .reshaped([shape[0], shape[1] * patch, shape[2] * patch, configuration.outputs])
  }

  /// The embedding of times and labels: [batch, width].
  package func embedded(_ time: Tensor, _ labels: Tensor?) -> Tensor {
    let waves = sinusoids(
      of: time, width: configuration.widths[0],
      layout: configuration.flipSinToCos ? .cosinesFirst : .sinesFirst,
      shift: Double(configuration.frequencyShift))
    let embedding = timeEmbedding[1](timeEmbedding[0](waves).silu())
    guard let classEmbedding, let labels else { return embedding }
    return embedding + classEmbedding(labels)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("time_embedding.linear_1", &timeEmbedding[0])
    visitor("time_embedding.linear_2", &timeEmbedding[1])
    visitor("class_embedding", &classEmbedding)
    visitor("conv_in", &input)
    visitor("down_blocks", &down)
    visitor("mid_block", &middle)
    visitor("up_blocks", &up)
    visitor("conv_norm_out", &outputNorm)
    visitor("conv_out", &output)
    visitor.fixed("configuration", configuration)
  }
}

extension Convolution {
  /// A convolution that keeps a picture's size.
  fileprivate static func square(
    _ kernel: Int, _ inputs: Int, _ outputs: Int, key: RandomKey
  ) -> Convolution {
    Convolution(
      inputs: inputs, outputs: outputs, kernel: [kernel, kernel],
      padding: .symmetric([kernel / 2]), key: key)
  }
}

extension GroupNorm {
  fileprivate init(_ configuration: UNetConfiguration, _ channels: Int) {
    self.init(
      groups: configuration.normGroups, channels: channels, epsilon: configuration.normEpsilon)
  }
}

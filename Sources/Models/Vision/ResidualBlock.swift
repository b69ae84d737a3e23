public import Layers
public import Tensors

/// Projects the input of a block whose output has another shape.
public struct Downsample: Layer {
  public var convolution: Convolution
  public var norm: BatchNorm
  /// Means of 2x2 windows before it: with or without a stride; nil: there are none.
  public let averages: Pooling?
  /// Where the convolution stands in published files: behind the pool, if the network has pools.
  let place: Int

  init(
    _ configuration: ResNetConfiguration, inputs: Int, outputs: Int, window: ResidualBlock.Window,
    key: RandomKey
  ) {
    let isPlain = window.stride == 1 && window.dilation == 1
    let averages = configuration.shortcut.averages
    if averages {
      convolution = ResNet.convolution(inputs, outputs, 1, key: key)
    } else {
      let kernel = isPlain ? 1 : configuration.shortcut.kernel
      convolution = ResNet.convolution(
        inputs, outputs, kernel, stride: window.stride, dilation: kernel > 1 ? window.first : 1,
        key: key)
    }
    norm = BatchNorm(channels: outputs)
    if !averages || isPlain {
      self.averages = nil
    } else if window.dilation == 1 {
      self.averages = .average(
        [2], stride: [window.stride], roundsUp: true, countsPadding: false)
    } else {
      // The zeros behind the last pixels count.
      self.averages = .average([2], stride: [1], padding: .sameForStride)
    }
    place = averages ? 1 : 0
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    norm(convolution(averages.map { $0(x, phase) } ?? x, phase), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.named("\(place)", &convolution)
    visitor.named("\(place + 1)", &norm)
    visitor.fixed("averages", averages)
    visitor.fixed("place", place)
  }
}

/// activation(x + branch(x)) (He et al., arXiv:1512.03385, eq. 1 and 2), with the stride in the 3x3 of bottlenecks, as all
/// published weights have it.
public struct ResidualBlock: Layer {
  /// How the 3x3 convolutions of a block lie over the picture.
  struct Window {
    var stride: Int
    /// The distance between the pixels of the first one: that of the stage before.
    var first: Int
    /// Of all others.
    var dilation = 1
  }

  public var conv1: Convolution
  public var bn1: BatchNorm
  public var conv2: Convolution
  public var bn2: BatchNorm
  /// Only in bottlenecks.
  public var conv3: Convolution?
  public var bn3: BatchNorm?
  /// nil where the shortcut is the input itself.
  public var downsample: Downsample?
  /// Channels that the shortcut fills with zeros, and the distance of the pixels that it takes.
  let missing: Int
  let skip: Int
  public let activation: Activation
  public let drop: StochasticDepth

  init(
    _ configuration: ResNetConfiguration, inputs: Int, width: Int, window: Window, drop: Double,
    key: RandomKey
  ) {
    func convolution(
      _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, dilation: Int = 1,
      groups: Int = 1, _ purpose: Int
    ) -> Convolution {
      ResNet.convolution(
        inputs, outputs, kernel, stride: stride, dilation: dilation, groups: groups,
        key: key.fork(purpose))
    }
    let outputs = width * configuration.block.expansion
    switch configuration.block {
    case .basic:
      let first = width / configuration.reduction
      conv1 = convolution(inputs, first, 3, stride: window.stride, dilation: window.first, 0)
      conv2 = convolution(first, width, 3, dilation: window.dilation, 1)
      (bn1, bn2) = (BatchNorm(channels: first), BatchNorm(channels: width))
      if configuration.zeroInitialResiduals { bn2.weight = .zeros([width]) }
    case .bottleneck:
      let inner = configuration.innerWidth(width)
      let first = inner / configuration.reduction
      conv1 = convolution(inputs, first, 1, 0)
      conv2 = convolution(
        first, inner, 3, stride: window.stride, dilation: window.first,
        groups: configuration.groups, 1)
      conv3 = convolution(inner, outputs, 1, 2)
      (bn1, bn2) = (BatchNorm(channels: first), BatchNorm(channels: inner))
      bn3 = BatchNorm(channels: outputs)
      if configuration.zeroInitialResiduals { bn3?.weight = .zeros([outputs]) }
    }
    missing = configuration.shortcut.pads ? outputs - inputs : 0
    skip = configuration.shortcut.pads ? window.stride : 1
    if !configuration.shortcut.pads, window.stride > 1 || inputs != outputs {
      downsample = Downsample(
        configuration, inputs: inputs, outputs: outputs, window: window, key: key.fork(3))
    }
    activation = configuration.activation
    self.drop = StochasticDepth(drop)
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let shortcut = missing > 0 || skip > 1 ? padded(x) : downsample(x, phase)
    var y = conv2(bn1(conv1(x, phase), phase, activation: activation), phase)
    if conv3 != nil { y = conv3!(bn2(y, phase, activation: activation), phase) }
    if phase.isTraining, drop.rate > 0 {
      let branch = bn3 == nil ? bn2(y, phase) : bn3!(y, phase)
      return activation(drop(branch, phase) + shortcut)
    }
    return bn3 == nil
      ? bn2(y, phase, activation: activation, residual: shortcut)
      : bn3!(y, phase, activation: activation, residual: shortcut)
  }

  private func padded(_ x: Tensor) -> Tensor {
    let pixels = skip > 1 ? averagePooling(x, size: [1], stride: [skip]) : x
    return pixels.padded([(0, 0), (0, 0), (0, 0), (0, missing)])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv1", &conv1)
    visitor("bn1", &bn1)
    visitor("conv2", &conv2)
    visitor("bn2", &bn2)
    visitor("conv3", &conv3)
    visitor("bn3", &bn3)
    visitor("downsample", &downsample)
    visitor.fixed("activation", activation)
    visitor.fixed("shortcut", [missing, skip])
    visitor.fixed("drop", drop.rate)
  }
}

import Layers
import Tensors
import Testing

/// A layer of every kind with an input for it, in pairs that differ in one plain value or in structure.
struct LayerSample: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let layer: any Layer
  /// The same layer but for one plain value; nil where there is none.
  let other: (any Layer)?
  let shape: [Int]
  let parameters: Int
  let names: [String]

  init(
    _ name: String, _ layer: any Layer, other: (any Layer)? = nil, _ shape: [Int],
    parameters: Int = 0, names: [String] = []
  ) {
    testDescription = name
    self.layer = layer
    self.other = other
    self.shape = shape
    self.parameters = parameters
    self.names = names
  }

  var input: Tensor { RandomKey(seed: 3).normal(shape) }

  static let key = RandomKey(seed: 1)
  static let statistics = ["running_mean", "running_var", "num_batches_tracked"]

  static let all: [LayerSample] = [
    LayerSample(
      "Linear", Linear(inputs: 3, outputs: 5, key: key),
      other: Linear(inputs: 3, outputs: 5, hasBias: false, key: key), [2, 4, 3], parameters: 20,
      names: ["weight", "bias"]),
    LayerSample(
      "Linear without bias", Linear(inputs: 3, outputs: 5, hasBias: false, key: key), [4, 3],
      parameters: 15, names: ["weight"]),
    LayerSample(
      "Linear with its inputs first", Linear(inputs: 3, outputs: 3, isInputFirst: true, key: key),
      other: Linear(inputs: 3, outputs: 3, key: key), [4, 3], parameters: 12,
      names: ["weight", "bias"]),
    LayerSample(
      "LayerNorm", LayerNorm(width: 6), other: LayerNorm(width: 6, epsilon: 1e-6), [2, 3, 6],
      parameters: 12, names: ["weight", "bias"]),
    LayerSample(
      "LayerNorm over two axes without parameters",
      LayerNorm(shape: [3, 4], hasWeight: false, hasBias: false),
      other: LayerNorm(shape: [4], hasWeight: false, hasBias: false), [2, 3, 4]),
    LayerSample(
      "RMSNorm", RMSNorm(width: 6), other: RMSNorm(width: 6, epsilon: 1e-5), [2, 3, 6],
      parameters: 6, names: ["weight"]),
    LayerSample(
      "GroupNorm", GroupNorm(groups: 2, channels: 6), other: GroupNorm(groups: 3, channels: 6),
      [2, 3, 3, 6], parameters: 12, names: ["weight", "bias"]),
    LayerSample(
      "InstanceNorm", InstanceNorm(channels: 3), other: InstanceNorm(channels: 3, epsilon: 1e-6),
      [2, 4, 5, 3]),
    LayerSample(
      "InstanceNorm with statistics",
      InstanceNorm(channels: 3, isAffine: true, tracksStatistics: true),
      other: InstanceNorm(channels: 3, momentum: nil, isAffine: true, tracksStatistics: true),
      [2, 4, 5, 3], parameters: 6, names: ["weight", "bias"] + statistics),
    LayerSample(
      "BatchNorm", BatchNorm(channels: 3), other: BatchNorm(channels: 3, momentum: 0.01),
      [4, 5, 3], parameters: 6, names: ["weight", "bias"] + statistics),
    LayerSample(
      "BatchNorm without parameters and statistics",
      BatchNorm(channels: 3, isAffine: false, tracksStatistics: false),
      other: BatchNorm(channels: 3, epsilon: 1e-3, isAffine: false, tracksStatistics: false),
      [4, 5, 3]),
    LayerSample(
      "LocalResponseNorm", LocalResponseNorm(size: 3, alpha: 0.1),
      other: LocalResponseNorm(size: 3, alpha: 0.2), [2, 3, 6]),
    LayerSample("Dropout", Dropout(0.25), other: Dropout(0.5), [4, 6]),
    LayerSample("StochasticDepth", StochasticDepth(0.5), other: StochasticDepth(0.25), [8, 3]),
    LayerSample("Activation", Activation.mish, other: Activation.silu, [4, 6]),
    LayerSample("Flatten", Flatten(), [2, 3, 4, 5]),
    LayerSample(
      "Convolution", Convolution(inputs: 3, outputs: 4, kernel: [3, 2], padding: .same, key: key),
      other: Convolution(inputs: 3, outputs: 4, kernel: [3, 2], stride: [2], key: key),
      [2, 5, 4, 3], parameters: 76, names: ["weight", "bias"]),
    LayerSample(
      "Depthwise convolution of sequences",
      Convolution(inputs: 3, outputs: 3, kernel: [3], groups: 3, hasBias: false, key: key),
      other: Convolution(
        inputs: 3, outputs: 3, kernel: [3], dilation: [2], groups: 3, hasBias: false, key: key),
      [2, 7, 3], parameters: 9, names: ["weight"]),
    LayerSample(
      "TransposedConvolution",
      TransposedConvolution(inputs: 3, outputs: 2, kernel: [4, 4], stride: [2], key: key),
      other: TransposedConvolution(inputs: 3, outputs: 2, kernel: [4, 4], stride: [1], key: key),
      [2, 3, 4, 3], parameters: 98, names: ["weight", "bias"]),
    LayerSample(
      "Max pooling", Pooling.max([2]), other: Pooling.max([2], stride: [1]), [2, 4, 6, 3]),
    LayerSample(
      "Average pooling", Pooling.average([3], padding: .symmetric([1])),
      other: Pooling.average([3], padding: .symmetric([1]), countsPadding: false), [2, 4, 6, 3]),
    LayerSample(
      "Adaptive pooling", Pooling.adaptiveAverage([2]), other: Pooling.adaptiveMax([2]),
      [2, 5, 6, 3]),
    LayerSample(
      "Global pooling", Pooling.globalAverage, other: Pooling.adaptiveAverage([1]), [2, 5, 6, 3]),
    LayerSample(
      "Upsample", Upsample(), other: Upsample(mode: .linear), [2, 3, 4, 3]),
    LayerSample(
      "Sequential",
      Sequential(
        Linear(inputs: 3, outputs: 4, key: key.fork(0)), BatchNorm(channels: 4), Activation.tanh,
        Sequential(Linear(inputs: 4, outputs: 2, hasBias: false, key: key.fork(1)))),
      other: Sequential(
        Linear(inputs: 3, outputs: 4, key: key.fork(0)), BatchNorm(channels: 4), Dropout(0.1),
        Sequential(Linear(inputs: 4, outputs: 2, hasBias: false, key: key.fork(1)))),
      [5, 3], parameters: 32,
      names: ["0.weight", "0.bias", "1.weight", "1.bias"] + statistics.map { "1." + $0 }
        + ["3.0.weight"]),
    LayerSample(
      "Array", [Linear(inputs: 3, outputs: 3, key: key), Linear(inputs: 3, outputs: 3, key: key)],
      [5, 3], parameters: 24, names: ["0.weight", "0.bias", "1.weight", "1.bias"]),
    LayerSample(
      "Optional", Optional(BatchNorm(channels: 3)), other: BatchNorm?.none, [5, 3], parameters: 6,
      names: ["weight", "bias"] + statistics),
  ]
}

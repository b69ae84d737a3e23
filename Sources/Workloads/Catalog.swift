internal import Layers
internal import Models
internal import Objectives
internal import Optimizers
internal import Tensors

// The peers' names, shapes and settings, one by one.

extension Workload {
  /// 784-512-512-10 with ReLU.
  static let mlp = training(
    "mlp-mnist", batch: 128,
    model: { key in
      [
        Linear(inputs: 784, outputs: 512, key: key.fork(0)),
        Linear(inputs: 512, outputs: 512, key: key.fork(1)),
        Linear(inputs: 512, outputs: 10, key: key.fork(2)),
      ]
    },
    rule: { AdamW(for: $0) },
    data: { Pair($0.fork(0).uniform([128, 784]), $0.fork(1).integers(below: 10, [128])) },
    loss: { layers, batch, _ in
      let hidden = layers.dropLast().reduce(batch.first) { x, layer in layer(x).relu() }
      return crossEntropy(layers[2](hidden), batch.second)
    })

  /// Table 256×512, two LSTM layers of 512, 128 steps.
  static let lstm = training(
    "lstm-char", batch: 32, clip: 1,
    model: { RecurrentLanguageModel(.init(embedding: 512, width: 512, layers: 2), key: $0) },
    rule: { AdamW(for: $0) }, data: { $0.integers(below: 256, [32, 129]) },
    loss: { model, ids, _ in NextToken.loss(ids) { model($0) } })

  /// Six layers of 384, 256 tokens.
  static let gpt = training(
    "gpt-mini", batch: 16, clip: 1,
    model: { GPT(.init(vocabulary: 256, context: 256, width: 384, layers: 6, heads: 6), key: $0) },
    rule: { AdamW(for: $0, learningRate: 3e-4, betas: (0.9, 0.95), weightDecay: 0.1) },
    data: { $0.integers(below: 256, [16, 257]) },
    loss: { model, ids, _ in NextToken.loss(ids) { model($0) } })

  /// ResNet-18 on 32 pixels, ten classes.
  static let residual = training(
    "resnet18-32px", batch: 32,
    model: {
      ResNet(.init(block: .basic, layers: [2, 2, 2, 2], stem: .small, classes: 10), key: $0)
    },
    rule: { SGD(for: $0, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4) },
    data: { Pair($0.fork(0).normal([32, 32, 32, 3]), $0.fork(1).integers(below: 10, [32])) },
    loss: { (model: inout ResNet, batch: Pair<Tensor, Tensor>, key: RandomKey) in
      crossEntropy(model(batch.first, .training(key)), batch.second)
    })

  /// Two convolutions down, two up, 16 latents.
  static let variational = training(
    "vae-fashion", batch: 128,
    model: { VariationalAutoencoder(.init(), key: $0) }, rule: { AdamW(for: $0) },
    data: { $0.uniform([128, 28, 28, 1]) },
    loss: { model, pictures, key in
      -EvidenceLowerBound()(model, pictures, key).bound.mean()
    })

  /// A U-Net of 64·(1, 2, 2, 2) channels with attention at 16 pixels.
  static let diffusion = training(
    "ddpm-unet-32px", batch: 16, clip: 1,
    model: { UNet(.init(size: 32, widths: [64, 128, 128, 128], attention: [1]), key: $0) },
    rule: { AdamW(for: $0, learningRate: 2e-4) },
    data: { $0.normal([16, 32, 32, 3]) },
    loss: { network, pictures, key in
      NoisePrediction(DiffusionProcess(NoiseSchedule(.linear)))(network, pictures, key: key)
    })
}

import Foundation
import Layers
import Models
import Objectives
import Optimizers
import Tensors
import TestSupport
import Testing

/// Points whose mean is 0 and whose covariance has these eigenvalues, along the rows of a rotation: [2 · width, width].
private func points(_ eigenvalues: [Double], _ rotation: Tensor) -> Tensor {
  let width = eigenvalues.count
  let lengths = Tensor(eigenvalues.map { ($0 * Double(width)).squareRoot() }, shape: [width, 1])
  let ends = rotation * lengths
  return concatenate([ends, -ends]).evaluated()
}

private func rotation(_ width: Int) -> Tensor {
  Initializer.orthogonal()([width, width], RandomKey(seed: 11), .float64).evaluated()
}

/// A model after so many steps down a slope, the learning rate falling to 0.
private func trained<M: Module>(
  _ model: M, steps: Int, rate: Double, loss: @escaping @Sendable (M, RandomKey) -> Tensor
) -> M {
  var state = Pair(model, Adam(for: model, learningRate: rate))
  let step = compiled { (state: inout Pair<M, Adam<M>>, input: Pair<RandomKey, Tensor>) in
    let (_, gradient) = valueAndGradient(at: state.first) { loss($0, input.first) }
    state.second.learningRate = input.second
    state.second.update(&state.first, along: gradient)
    return Nothing()
  }
  for i in 0..<steps {
    let now = rate * (1 - Double(i) / Double(steps))
    _ = step(&state, Pair(RandomKey(seed: UInt64(i)), Tensor([now], shape: [])))
  }
  return state.first
}

@Suite struct LinearGaussianModelTests {
  private func model(width: Int, latents: Int) -> LinearGaussianModel {
    shaken(LinearGaussianModel(width: width, latents: latents, key: RandomKey(seed: 0)), 0.8)
  }

  @Test(arguments: [(1, 1), (4, 2), (3, 3), (2, 5)])
  func `probabilities are those of the dense covariance`(_ width: Int, _ latents: Int) {
    let model = model(width: width, latents: latents)
    let x = RandomKey(seed: 1).normal([3, width], .float64)
    let weight = model.decoder.weight
    let unit = Tensor.range(width).oneHot(width, .float64)
    let covariance = matrixProduct(weight, weight.transposed()) + unit * model.logNoise.exp()
    let centred = (x - model.decoder.bias!).doubles()
    let matrix = covariance.doubles()
    // The Gaussian's exponent by Cramer's rule would be slow; a system a row is not.
    for (row, value) in model.logProbability(of: x).doubles().enumerated() {
      let y = Array(centred[row * width..<(row + 1) * width])
      let solution = solve(matrix, y)
      let square = zip(y, solution).map(*).reduce(0, +)
      let expected =
        -0.5 * (square + logDeterminant(matrix, width) + Double(width) * log(2 * Double.pi))
      #expect(abs(value - expected) < 1e-9)
    }
  }

  private func solve(_ matrix: [Double], _ y: [Double]) -> [Double] {
    let n = y.count
    var (a, b) = (matrix, y)
    for column in 0..<n {
      for row in 0..<n where row != column {
        let factor = a[row * n + column] / a[column * n + column]
        for k in 0..<n { a[row * n + k] -= factor * a[column * n + k] }
        b[row] -= factor * b[column]
      }
    }
    return (0..<n).map { b[$0] / a[$0 * n + $0] }
  }

  @Test func `bounds are below the exact probability, and equal it at the true posterior`() {
    var model = model(width: 4, latents: 2)
    let x = RandomKey(seed: 1).normal([6, 4], .float64)
    let exact = model.logProbability(of: x)
    let many = x.expanded(0).broadcast(to: [4000, 6, 4]).flattened(0..<2)
    func mean(_ draws: Int) -> Tensor {
      EvidenceLowerBound.importanceWeighted(model, many, draws: draws, RandomKey(seed: 2))
        .reshaped([4000, 6]).mean([0])
    }
    let bounds = [1, 4, 16].map { mean($0).doubles() } + [exact.doubles()]
    for (lower, upper) in zip(bounds, bounds.dropFirst()) {
      #expect(zip(lower, upper).allSatisfy { $0 < $1 + 0.02 })
    }
    #expect(zip(bounds[0], bounds[3]).allSatisfy { $0 < $1 - 0.1 })

    // With orthogonal columns the latents are independent given x, as q has them.
    let columns =
      rotation(4).sliced(0, 0..<2).transposed()
      * Tensor([1.5, 0.7], shape: [2])
    model.decoder.weight = columns
    let noise = model.logNoise.exp()
    let precision = columns.square().sum([0]) + noise
    model.encoder.weight = (columns / precision).transposed()
    model.encoder.bias = -matrixProduct(
      model.encoder.weight, model.decoder.bias!.expanded(1)
    ).squeezed(1)
    model.logVariance = (noise / precision).log()
    #expect(
      (model.posterior(x).mean - model.exactPosteriorMean(x)).abs().max().scalar < 1e-12)
    let tight = EvidenceLowerBound.importanceWeighted(model, x, draws: 1, RandomKey(seed: 3))
    #expect((tight - model.logProbability(of: x)).abs().max().scalar < 1e-10)
  }

  @Test func `the best bound is the likelihood of probabilistic principal components`() {
    let eigenvalues = [9.0, 4, 0.5, 0.3]
    let data = points(eigenvalues, rotation(4)).cast(to: .float32)
    let batch = data.expanded(0).broadcast(to: [16, 8, 4]).flattened(0..<2).evaluated()
    let start = LinearGaussianModel(width: 4, latents: 2, key: RandomKey(seed: 0))
    let model = trained(start, steps: 3000, rate: 0.02) {
      -EvidenceLowerBound()($0, batch, $1).bound.mean()
    }
    let noise = 0.4
    let volume = log(9.0) + log(4.0) + 2 * log(noise)
    let expected = -0.5 * (4 * log(2 * Double.pi) + volume + 4)
    let reached = model.mapTensors { $0.cast(to: .float64) }
      .logProbability(of: data.cast(to: .float64)).mean().scalar
    #expect(reached < expected + 1e-6)
    #expect(reached > expected - 1e-3)
    #expect(forgottenTensors(in: start).isEmpty)
  }
}

@Suite struct AutoencoderTests {
  @Test func `a linear autoencoder finds the principal components' subspace and error`() {
    let eigenvalues = [5.0, 3, 0.7, 0.4, 0.2]
    let turn = rotation(5)
    let data = points(eigenvalues, turn).cast(to: .float32)
    let start = Autoencoder(
      .init(width: 5, hidden: [4], latents: 2, activation: .identity), key: RandomKey(seed: 0))
    let model = trained(start, steps: 3000, rate: 0.02) { Reconstruction()($0, data, $1).loss }
    let error = Reconstruction()(model, data, RandomKey(seed: 0)).error.scalar
    #expect(abs(error - (0.7 + 0.4 + 0.2) / 5) < 1e-4)
    // What is found again has nothing of the directions that were left out.
    let along = matrixProduct(model(data).cast(to: .float64), turn.transposed()).abs().max([0])
      .doubles()
    #expect(along[2...].allSatisfy { $0 < 1e-2 * along[1] })
    #expect(forgottenTensors(in: start).isEmpty)
  }

  @Test func `the best linear denoiser is the Wiener filter`() {
    let eigenvalues = [4.0, 1, 0.25]
    let (noise, count) = (0.8, 200_000)
    let x =
      RandomKey(seed: 1).normal([count, 3])
      * Tensor(eigenvalues.map { Float($0.squareRoot()) }, shape: [3])
    func denoiser(_ change: Double) -> Autoencoder {
      var model = Autoencoder(
        .init(width: 3, hidden: [], latents: 3, activation: .identity), key: RandomKey(seed: 0))
      let unit = Tensor.range(3).oneHot(3)
      let gains = eigenvalues.map { Float($0 / ($0 + noise * noise) + change) }
      model.encoder.layers = [Linear(weight: unit, bias: .zeros([3]))]
      model.decoder.layers = [
        Linear(weight: unit * Tensor(gains, shape: [3]), bias: .zeros([3]))
      ]
      return model
    }
    let objective = Reconstruction(noise: noise)
    let errors = [-0.05, 0, 0.05].map {
      objective(denoiser($0), x, RandomKey(seed: 2)).error.scalar
    }
    let expected = eigenvalues.map { $0 * 0.64 / ($0 + 0.64) }.reduce(0, +) / 3
    #expect(abs(errors[1] - expected) < 3e-3)
    #expect(errors[0] > errors[1] && errors[2] > errors[1])
  }

  @Test func `sparsity adds the codes' mean absolute value`() {
    let model = Autoencoder(.init(width: 6, hidden: [5], latents: 3), key: RandomKey(seed: 0))
    let x = RandomKey(seed: 1).normal([4, 6])
    let (loss, error) = Reconstruction(sparsity: 0.3)(model, x, RandomKey(seed: 2))
    let codes = model.encoder(x).doubles().map(abs).reduce(0, +) / 12
    #expect(abs(loss.scalar - error.scalar - 0.3 * codes) < 1e-6)
  }
}

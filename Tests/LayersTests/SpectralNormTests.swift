import Layers
import Tensors
import TestSupport
import Testing

@Suite struct SpectralNormTests {
  private let key = RandomKey(seed: 6)

  /// The largest singular value by many power iterations of its own.
  private func largest(_ weight: Tensor) -> Double {
    let matrix = weight.reshaped([weight.shape[0], -1]).cast(to: .float64)
    let square = matrixProduct(matrix, matrix.transposed()).evaluated()
    var x = Tensor.ones([square.shape[0], 1], .float64)
    for _ in 0..<3000 {
      x = matrixProduct(square, x)
      x = (x / x.square().sum().sqrt()).evaluated()
    }
    return matrixProduct(square, x).square().sum().sqrt().sqrt().scalar
  }

  @Test func `the norm is the largest singular value, known or not`() {
    // Singular values 3 and 1, by construction.
    let turned = Tensor([0.6, -0.8, 0.8, 0.6], shape: [2, 2])
    let known = Linear(
      weight: matrixProduct(turned, Tensor([3.0, 0, 0, 0, 1, 0], shape: [2, 3])))
    #expect(abs(SpectralNorm(known, key: key).norm.scalar - 3) < 1e-9)
    let convolution = Convolution(inputs: 3, outputs: 8, kernel: [3, 3], key: key)
    var layer = SpectralNorm(convolution, key: key)
    for _ in 0..<200 {
      _ = layer(key.normal([1, 4, 4, 3]), .training(key))
      layer = layer.evaluated()
    }
    #expect(abs(layer.norm.scalar - largest(convolution.weight)) < 1e-4)
  }

  @Test func `the normed layer's largest singular value is 1`() {
    var layer = SpectralNorm(
      Linear(inputs: 7, outputs: 5, hasBias: false, key: key), iterations: 50, key: key)
    _ = layer(key.normal([1, 7]), .training(key))
    let weight = layer(
      Tensor.indices([7, 7], axis: 0).equal(to: Tensor.indices([7, 7], axis: 1))
        .cast(to: .float32)
    ).transposed()
    #expect(abs(largest(weight) - 1) < 1e-4)
  }

  @Test func `inference leaves the vectors, training moves them`() {
    var layer = SpectralNorm(Linear(inputs: 9, outputs: 9, key: key), key: key)
    let before = layer.left.evaluated()
    _ = layer(key.normal([2, 9]), .inference)
    #expect(distance(layer.left, before) == 0)
    _ = layer(key.normal([2, 9]), .training(key))
    #expect(distance(layer.left, before) > 0)
    #expect(forgottenTensors(in: layer) == [])
    #expect(layer.leaves.map(\.name) == ["weight", "bias", "weight_u", "weight_v"])
  }

  @Test func `the gradient is that of a quotient with fixed vectors`() {
    let layer = SpectralNorm(Linear(inputs: 4, outputs: 3, key: key), key: key)
    checkGradient(of: layer, at: normal([2, 4])) { layer, x in layer(x) }
  }
}

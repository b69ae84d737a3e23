public import Layers
public import Tensors

/// Draws the noise that makes 8-bit pixels real numbers, and knows its density: q(u | pixels), of u within 0 … 1, by
/// couplings that see the pixels (Ho et al., arXiv:1902.00275, section 3.1).
public struct VariationalDequantizer: Module {
  public var features: Convolution
  public var couplings: [Coupling]

  /// - Parameters:
  ///   - channels: of the pictures, whose height and width are even.
  ///   - filters: channels inside the networks.
  public init(channels: Int, couplings: Int = 4, filters: Int = 32, key: RandomKey) {
    features = Convolution(
      inputs: 4 * channels, outputs: filters, kernel: [3, 3], padding: .symmetric([1]),
      key: key.fork(-1))
    self.couplings = (0..<couplings).map {
      Coupling(
        channels: 4 * channels, map: .affine(), filters: filters, context: filters,
        key: key.fork($0))
    }
  }

  /// A draw of u, of the shape of the pixels, and log q(u | pixels) in nats, [batch].
  /// - Parameter pixels: 0 … 255, [batch, height, width, channels].
  public func sample(_ pixels: Tensor, _ key: RandomKey) -> (noise: Tensor, logDensity: Tensor) {
    let type = features.weight.dataType
    let squares = (pixels.cast(to: type) / 127.5 - 1).squeezedCheckerboard()
    return shaped(key.normal(squares.shape, type), squares)
  }

  /// The noise that standard normal numbers become; the same as `sample` with numbers of the caller's.
  package func shaped(_ normal: Tensor, _ squares: Tensor) -> (noise: Tensor, logDensity: Tensor) {
    let context = features(squares).relu()
    var logDensity = DiagonalGaussian.standardLogProbability(of: normal.flattened(1..<4))
    var x = normal
    for (i, coupling) in couplings.enumerated() {
      let step = coupling.forward(i % 2 == 0 ? x : x.rotated(), given: context)
      x = step.z
      logDensity = logDensity - step.logDeterminant
    }
    // The slope of the logistic function is σ(x) σ(−x).
    let slopes = (x.logSigmoid() + (-x).logSigmoid()).flattened(1..<4).sum([1])
    return (x.sigmoid().unsqueezedCheckerboard(), logDensity - slopes)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("features", &features)
    visitor("couplings", &couplings)
  }
}

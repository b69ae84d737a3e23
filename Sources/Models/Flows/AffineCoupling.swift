public import Layers
public import Tensors

/// Changes one part of the last axis by a scale and a shift that a network reads off the other part (Dinh et al.,
/// arXiv:1605.08803, eq. 4 to 8), and exchanges the parts, so that the next coupling changes the other one.
///
/// (a, b) → (b · exp(s(a)) + t(a), a), with s = limit · tanh(…): however wrong the network, scales stay bounded. After a
/// squeeze the parts of a picture are the fields of a checkerboard.
public struct AffineCoupling: Flow {
  /// [batch…, width / 2 rounded down] → [batch…, 2 · rest]: scales, then shifts.
  public var network: Sequential
  /// The largest logarithms of scales, [rest]; trained.
  public var limit: Tensor

  /// A coupling of vectors [batch, width], by linear layers with ReLU. It begins as the identity with parts exchanged.
  public init(width: Int, hidden: [Int], key: RandomKey) {
    let kept = width / 2
    network = .couplingOfVectors(
      inputs: kept, outputs: 2 * (width - kept), hidden: hidden, key: key)
    limit = .ones([width - kept])
  }

  /// A coupling of pictures [batch, height, width, channels], by convolutions 3×3, 1×1 and 3×3 with ReLU (as in Glow,
  /// arXiv:1807.03039).
  public init(channels: Int, filters: Int, key: RandomKey) {
    let kept = channels / 2
    network = .couplingOfPictures(
      inputs: kept, outputs: 2 * (channels - kept), filters: filters, key: key)
    limit = .ones([channels - kept])
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let kept = x.shape[x.rank - 1] / 2
    let parts = x.split(-1, sizes: [kept, limit.count])
    let (logScale, shift) = coefficients(parts[0])
    let changed = parts[1] * logScale.exp() + shift
    return (
      concatenate([changed, parts[0]], axis: -1), logScale.flattened(1..<x.rank).sum([1])
    )
  }

  public func inverse(_ z: Tensor) -> Tensor {
    let parts = z.split(-1, sizes: [limit.count, z.shape[z.rank - 1] - limit.count])
    let (logScale, shift) = coefficients(parts[1])
    return concatenate([parts[1], (parts[0] - shift) * (-logScale).exp()], axis: -1)
  }

  private func coefficients(_ kept: Tensor) -> (logScale: Tensor, shift: Tensor) {
    let parts = network(kept).split(-1, into: 2)
    return (parts[0].tanh() * limit, parts[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("network", &network)
    visitor("limit", &limit)
  }
}

/// How an image gets another size.
public enum ResamplingMode: Hashable, Sendable {
  /// The value at ⌊i · scale⌋ (PyTorch's "nearest").
  case nearest
  /// The value at ⌊(i + ½) · scale⌋: the nearest one (PyTorch's "nearest-exact").
  case nearestExact
  /// Linear along every axis: linear, bilinear, trilinear.
  case linear
  /// Cubic convolution along every axis: bicubic, with a = −¾, or −½ where an antialiasing filter is asked for.
  case cubic
  /// Means over the area that a new value covers (adaptive average pooling).
  case area
}

extension Tensor {
  /// An image [batch, spatial…, channels] with other spatial sizes, along 1 to 3 axes (torch.nn.functional.interpolate).
  ///
  /// - Parameters:
  ///   - size: new sizes: one number for all spatial axes, or one for each.
  ///   - alignsCorners: first and last positions stay where they are; for `.linear` and `.cubic`.
  ///   - antialias: widens the filter where an image shrinks; for `.linear` and `.cubic`.
  public func resized(
    to size: [Int], mode: ResamplingMode = .nearest, alignsCorners: Bool = false,
    antialias: Bool = false
  ) -> Tensor {
    let size = perAxis(size, checkedSpatialAxes(), "resized: size")
    return resized(
      size, factors: size.map { _ in nil }, mode, alignsCorners: alignsCorners,
      antialias: antialias)
  }

  /// An image whose spatial sizes are multiplied by factors and rounded down. Positions lie at the distances of the
  /// factors, not of the rounded sizes.
  public func resized(
    by factors: [Double], mode: ResamplingMode = .nearest, alignsCorners: Bool = false,
    antialias: Bool = false
  ) -> Tensor {
    let axes = checkedSpatialAxes()
    guard factors.count == axes || factors.count == 1,
      factors.allSatisfy({ $0.isFinite && $0 > 0 })
    else {
      fail(
        "resized: factors \(factors) for \(axes) spatial axes: give one number or \(axes), above 0")
    }
    let all = factors.count == axes ? factors : [Double](repeating: factors[0], count: axes)
    let size = zip(spatialSize, all).map { Int((Double($0) * $1).rounded(.down)) }
    return resized(
      size, factors: all, mode, alignsCorners: alignsCorners, antialias: antialias)
  }

  private func checkedSpatialAxes() -> Int {
    guard (3...5).contains(rank) else {
      fail("resized: \(label) \(shape) has no 1 to 3 axes between batch and channels")
    }
    return rank - 2
  }

  private func resized(
    _ size: [Int], factors: [Double?], _ mode: ResamplingMode, alignsCorners: Bool, antialias: Bool
  ) -> Tensor {
    guard size.allSatisfy({ $0 > 0 }), spatialSize.allSatisfy({ $0 > 0 }) else {
      fail("resized: \(shape) to sizes \(size); all spatial sizes must be positive")
    }
    if mode == .area { return adaptiveAveragePooling(self, to: size) }
    let isSmooth = mode == .linear || mode == .cubic
    guard isSmooth || !(alignsCorners || antialias) else {
      fail("resized: alignsCorners and antialias belong to .linear and .cubic, not .\(mode)")
    }
    return size.indices.reduce(self) { x, i in
      let grid = ResamplingGrid(
        size: spatialSize[i], output: size[i], alignsCorners: alignsCorners, factor: factors[i])
      switch mode {
      case .nearest: return x.taken(i + 1, grid.nearest(isExact: false))
      case .nearestExact: return x.taken(i + 1, grid.nearest(isExact: true))
      default:
        let isCubic = mode == .cubic
        return x.resampled(
          i + 1,
          antialias ? grid.antialiased(isCubic: isCubic) : grid.interpolation(isCubic: isCubic))
      }
    }
  }

  /// The elements at rising positions of an axis, some of them repeatedly.
  private func taken(_ axis: Int, _ positions: [Int]) -> Tensor {
    let (size, count) = (shape[axis], positions.count)
    if count % size == 0, positions == (0..<count).map({ $0 * size / count }) {
      return repeatedEach(axis, count / size)
    }
    if let step = positions.dropFirst().first.map({ $0 - positions[0] }), step > 0,
      positions.indices.allSatisfy({ positions[$0] == positions[0] + $0 * step })
    {
      let starts = shape.indices.map { $0 == axis ? positions[0] : 0 }
      let sizes = shape.indices.map { $0 == axis ? count : shape[$0] }
      let steps = shape.indices.map { $0 == axis ? step : 1 }
      return Tensor(Slice(starts: starts, sizes: sizes, steps: steps), [self])
    }
    return resampled(axis, ResamplingWeights(size: size, rows: positions.map { ($0, [1]) }))
  }

  /// Every element along an axis `count` times.
  private func repeatedEach(_ axis: Int, _ count: Int) -> Tensor {
    if count == 1 { return self }
    var (wide, result) = (shape, shape)
    wide.insert(count, at: axis + 1)
    result[axis] *= count
    return expanded(axis + 1).broadcast(to: wide).reshaped(result)
  }

  /// Weighted sums along an axis: one product with a constant matrix.
  func resampled(_ axis: Int, _ weights: ResamplingWeights) -> Tensor {
    if weights.isIdentity { return self }
    return inFullPrecision([self]) { operands in
      let x = operands[0]
      let outer = x.shape[..<axis].reduce(1, *)
      let inner = x.shape[(axis + 1)...].reduce(1, *)
      var result = x.shape
      result[axis] = weights.rows.count
      return matrixProduct(weights.matrix(x.dataType), x.reshaped([outer, x.shape[axis], inner]))
        .reshaped(result)
    }
  }
}

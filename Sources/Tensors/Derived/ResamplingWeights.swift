/// The numbers with which the values along an axis are added up to resampled ones: a matrix, row by row.
struct ResamplingWeights {
  /// Number of values before.
  let size: Int
  /// For every value after: the first value that takes part, and the weights from there on.
  let rows: [(first: Int, weights: [Double])]

  /// Whether nothing would change.
  var isIdentity: Bool {
    rows.count == size
      && rows.indices.allSatisfy { rows[$0].first == $0 && rows[$0].weights == [1] }
  }

  /// The matrix [after, before].
  func matrix(_ dataType: DataType) -> Tensor {
    var elements = [Double](repeating: 0, count: rows.count * size)
    for (i, row) in rows.enumerated() {
      for (j, weight) in row.weights.enumerated() { elements[i * size + row.first + j] = weight }
    }
    // Rounded here, so that nothing is computed in float64 by a program that is not.
    return dataType == .float64
      ? Tensor(elements, shape: [rows.count, size])
      : Tensor(elements.map(Float.init), shape: [rows.count, size])
  }

  /// Means over ranges.
  static func means(_ size: Int, over ranges: [Range<Int>]) -> ResamplingWeights {
    ResamplingWeights(
      size: size,
      rows: ranges.map {
        ($0.lowerBound, [Double](repeating: 1 / Double($0.count), count: $0.count))
      })
  }
}

/// How the positions after a resampling lie among those before.
struct ResamplingGrid {
  let size: Int
  let output: Int
  let alignsCorners: Bool
  /// Distance between neighbouring positions.
  let scale: Double

  /// - Parameter factor: the factor asked for, where it is not that of the sizes.
  init(size: Int, output: Int, alignsCorners: Bool, factor: Double?) {
    self.size = size
    self.output = output
    self.alignsCorners = alignsCorners
    if alignsCorners {
      scale = output > 1 ? Double(size - 1) / Double(output - 1) : 0
    } else {
      scale = factor.map { 1 / $0 } ?? Double(size) / Double(output)
    }
  }

  /// Where a position lies among those before.
  private func source(_ i: Int) -> Double {
    alignsCorners ? scale * Double(i) : scale * (Double(i) + 0.5) - 0.5
  }

  /// The nearest position below, or with `isExact` the nearest of all. PyTorch computes it in float32, and so its
  /// rounding is part of the rule.
  func nearest(isExact: Bool) -> [Int] {
    let scale = Float(scale)
    return (0..<output).map { i in
      min(Int((scale * (Float(i) + (isExact ? 0.5 : 0))).rounded(.down)), size - 1)
    }
  }

  /// Weights of the 2 neighbours, or by cubic convolution of 4; positions outside are those of the border.
  func interpolation(isCubic: Bool) -> ResamplingWeights {
    let rows = (0..<output).map { i -> (Int, [Double]) in
      let source = isCubic ? source(i) : max(source(i), 0)
      let base = Int(source.rounded(.down))
      let offsets = isCubic ? -1...2 : 0...1
      let first = min(max(base + offsets.lowerBound, 0), size - 1)
      let last = min(max(base + offsets.upperBound, 0), size - 1)
      var weights = [Double](repeating: 0, count: last - first + 1)
      for offset in offsets {
        let distance = Swift.abs(source - Double(base + offset))
        let place = min(max(base + offset, 0), size - 1)
        weights[place - first] += isCubic ? cubicKernel(distance, -0.75) : max(0, 1 - distance)
      }
      return (first, weights)
    }
    return ResamplingWeights(size: size, rows: rows)
  }

  /// Weights of a filter that is as wide as the distance of positions, so that nothing is left out when an image shrinks.
  func antialiased(isCubic: Bool) -> ResamplingWeights {
    let width = max(scale, 1)
    let support = (isCubic ? 2 : 1) * width
    let rows = (0..<output).map { i -> (Int, [Double]) in
      let centre = scale * (Double(i) + 0.5)
      let first = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), size)
      let weights = (first..<end).map { j in
        let distance = Swift.abs(Double(j) - centre + 0.5) / width
        return isCubic ? cubicKernel(distance, -0.5) : max(0, 1 - distance)
      }
      let sum = weights.reduce(0, +)
      return (first, weights.map { $0 / sum })
    }
    return ResamplingWeights(size: size, rows: rows)
  }
}

/// Keys' cubic convolution kernel (IEEE Trans. ASSP 29, 1981) at a distance of at most 2.
private func cubicKernel(_ x: Double, _ a: Double) -> Double {
  if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
  return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0
}

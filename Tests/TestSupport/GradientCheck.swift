package import Tensors

/// Where the gradient of Σ f · probe differs from central differences in float64, every element of every operand, in
/// sentences; with `order` 2 also the gradient of the gradient. On another device than the CPU, where values and gradients
/// differ from the CPU's.
///
/// - Parameters:
///   - points: float64 operands of `f`. Keep away from kinks: differences reach 1e-5 far.
///   - tolerance: of the largest slope by the same operand.
package func gradientProblems(
  at points: [Tensor], order: Int = 1, tolerance: Double = 1e-6, _ f: ([Tensor]) -> Tensor
) -> [String] {
  if Device.current != .cpu {
    do {
      return try deviceProblems(on: .current, at: points, order: order) { [f($0)] }
    } catch {
      return ["\(error)"]
    }
  }
  func loss(_ points: [Tensor]) -> Tensor {
    let y = f(points)
    return (y * RandomKey(seed: 7).normal(y.shape, y.dataType)).sum()
  }
  func slopes(_ points: [Tensor]) -> [Tensor] {
    let aliases = points.map { Tensor(Alias("x"), [$0]) }
    let found = gradients(of: [loss(aliases)], seeds: [Tensor(1, .float64)], by: aliases)
    return zip(found, points).map { $0 ?? $1.zerosLike() }
  }
  let step = 1e-5
  var problems: [String] = []
  for (p, slope) in slopes(points).enumerated() {
    let values = points[p].doubles()
    func moved(_ i: Int, _ distance: Double) -> Double {
      var (values, points) = (values, points)
      values[i] += distance
      points[p] = Tensor(values, shape: points[p].shape)
      return loss(points).scalar
    }
    let differences = values.indices.map { (moved($0, step) - moved($0, -step)) / (2 * step) }
    // Rounding alone makes slopes of about 1e-10 where there are none.
    let scale = max(differences.map(abs).max() ?? 0, 1e-2)
    for (i, (found, expected)) in zip(slope.doubles(), differences).enumerated()
    where !(abs(found - expected) <= tolerance * scale) {
      problems.append("operand \(p), element \(i): gradient \(found), differences \(expected)")
    }
  }
  guard order > 1, problems.isEmpty else { return problems }
  let second = gradientProblems(at: points, order: order - 1, tolerance: tolerance) {
    concatenate(slopes($0).map { $0.reshaped([-1]) })
  }
  return second.map { "gradient of the gradient: \($0)" }
}

/// Whether `f` and its gradients by float32 operands are those by the float64 operands `points`, in sentences.
/// - Parameter tolerance: of the largest element of a result.
package func precisionProblems(
  at points: [Tensor], tolerance: Double = 1e-5, _ f: ([Tensor]) -> Tensor
) -> [String] {
  func results(_ type: DataType) -> [Tensor] {
    let operands = points.map { Tensor(Alias("x"), [$0.cast(to: type)]) }
    let y = f(operands)
    let seed = RandomKey(seed: 7).normal(y.shape, .float64).cast(to: y.dataType)
    let slopes = gradients(of: [y], seeds: [seed], by: operands)
    return [y] + zip(slopes, operands).map { $0 ?? $1.zerosLike() }
  }
  return zip(results(.float32), results(.float64)).enumerated().compactMap { i, pair in
    let error = distance(pair.0, pair.1)
    let what = i == 0 ? "value" : "gradient by operand \(i - 1)"
    return error <= tolerance ? nil : "\(what): float32 is \(error) away from float64"
  }
}

/// Normal numbers in float64.
package func normal(_ shape: [Int], _ seed: UInt64 = 1) -> Tensor {
  RandomKey(seed: seed).normal(shape, .float64)
}

import StableHLO
import Tensors
import Testing

/// Compares gradients with central differences of Σ f · probe, element by element in float64, and with `order` 2 the
/// gradients of the gradients too.
func checkDifferences(
  at points: [Tensor], order: Int = 2, tolerance: Double = 1e-5,
  sourceLocation: SourceLocation = #_sourceLocation, _ f: @escaping ([Tensor]) -> Tensor
) {
  func loss(_ points: [Tensor]) -> Tensor {
    let y = f(points)
    return (y * RandomKey(seed: 7).normal(y.shape, y.dataType)).sum()
  }
  func slopes(_ points: [Tensor]) -> [Tensor] {
    let aliases = points.map { Tensor(Alias("x"), [$0]) }
    let found = gradients(of: [loss(aliases)], seeds: [Tensor(1, .float64)], by: aliases)
    return zip(found, points).map { $0 ?? $1.zerosLike() }
  }
  let analytic = slopes(points).map { $0.doubles() }
  let step = 1e-5
  for (p, point) in points.enumerated() {
    let values = point.doubles()
    for i in values.indices {
      func moved(_ distance: Double) -> Double {
        var values = values
        values[i] += distance
        var points = points
        points[p] = Tensor(values, shape: point.shape)
        return loss(points).scalar
      }
      let slope = (moved(step) - moved(-step)) / (2 * step)
      let error = abs(slope - analytic[p][i]) / max(1, abs(slope))
      #expect(
        error < tolerance, "operand \(p), element \(i): \(analytic[p][i]), differences \(slope)",
        sourceLocation: sourceLocation)
    }
  }
  if order > 1 {
    checkDifferences(
      at: points, order: order - 1, tolerance: tolerance, sourceLocation: sourceLocation
    ) { points in
      concatenate(slopes(points).map { $0.reshaped([-1]) })
    }
  }
}

/// The StableHLO of a function of tensors; its results must have the types of the tensors.
@discardableResult
func emitted(_ types: [TensorType], _ f: ([Tensor]) -> [Tensor]) -> String {
  let arguments = types.map { Tensor(Placeholder($0), []) }
  let results = f(arguments)
  let program = Program.trace(results, arguments: arguments).program
  var function = FunctionBuilder(arguments: types.map { FunctionArgument($0.hlo) })
  let values = program.emit(function.arguments, into: &function)
  #expect(values.map(\.type) == results.map(\.type.hlo))
  return ModuleText([function.finish(returning: values)]).text
}

/// Normal numbers in float64.
func normal(_ shape: [Int], _ seed: UInt64 = 1) -> Tensor {
  RandomKey(seed: seed).normal(shape, .float64)
}

/// Whether all elements agree to a relative and absolute tolerance.
func isClose(_ a: Tensor, _ b: Tensor, _ tolerance: Double = 1e-5) -> Bool {
  guard a.shape == b.shape else { return false }
  return zip(a.doubles(), b.doubles()).allSatisfy {
    $0 == $1 || abs($0 - $1) <= tolerance * max(1, abs($1))
  }
}

import StableHLO
import Tensors
import TestSupport
import Testing

/// Expects gradients of Σ f · probe and, with `order` 2, gradients of gradients to be central differences.
func checkDifferences(
  at points: [Tensor], order: Int = 2, tolerance: Double = 1e-6,
  sourceLocation: SourceLocation = #_sourceLocation, _ f: ([Tensor]) -> Tensor
) {
  let problems = gradientProblems(at: points, order: order, tolerance: tolerance, f)
  #expect(problems == [], sourceLocation: sourceLocation)
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

/// Whether all elements agree to a relative and absolute tolerance.
func isClose(_ a: Tensor, _ b: Tensor, _ tolerance: Double = 1e-5) -> Bool {
  guard a.shape == b.shape else { return false }
  return zip(a.doubles(), b.doubles()).allSatisfy {
    $0 == $1 || abs($0 - $1) <= tolerance * max(1, abs($1))
  }
}

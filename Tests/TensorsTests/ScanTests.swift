import Foundation
import Tensors
import TestSupport
import Testing

/// A loop computes what its steps computed one by one.
@Suite(.onEveryDevice) struct ScanTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var length: Int
    var isReversed = false
    var memory = ScanMemory.everything
    var testDescription: String { "\(length) steps, reversed \(isReversed), \(memory)" }
  }
  static let examples = [1, 2, 5].flatMap { length in
    [false, true].flatMap { isReversed in
      [ScanMemory.everything, .carryOnly].map {
        Example(length: length, isReversed: isReversed, memory: $0)
      }
    }
  }

  private func step(_ carry: Tensor, _ x: Tensor, _ weight: Tensor) -> (Tensor, Tensor) {
    let next = (matrixProduct(carry, weight) + x).tanh()
    return (next, next.square() + x * 2)
  }

  private func scanned(_ example: Example, _ p: [Tensor]) -> Tensor {
    let result = Scan.run(
      carry: [p[0]], stacks: [p[1]], length: example.length, isReversed: example.isReversed,
      memory: example.memory
    ) { carry, slices in
      let (next, output) = step(carry[0], slices[0], p[2])
      return ([next], [output])
    }
    return concatenate((result.carry + result.outputs).map { $0.reshaped([-1]) })
  }

  private func unrolled(_ example: Example, _ p: [Tensor]) -> Tensor {
    var carry = p[0]
    var outputs = [Tensor?](repeating: nil, count: example.length)
    let steps = Array(0..<example.length)
    for t in example.isReversed ? steps.reversed() : steps {
      (carry, outputs[t]) = step(carry, p[1].element(0, t), p[2])
    }
    return concatenate([carry.reshaped([-1]), stack(outputs.map { $0! }).reshaped([-1])])
  }

  private func points(_ example: Example) -> [Tensor] {
    [normal([2, 3]), normal([example.length, 2, 3], 2), normal([3, 3], 3)]
  }

  @Test(arguments: examples)
  func `A scan and its gradients are the unrolled loop's`(_ example: Example) {
    let points = points(example)
    func results(_ f: (Example, [Tensor]) -> Tensor) -> [Tensor] {
      let operands = points.map { Tensor(Alias("p"), [$0]) }
      let y = f(example, operands)
      let seed = normal(y.shape, 9)
      return [y] + gradients(of: [y], seeds: [seed], by: operands).map { $0! }
    }
    for (a, b) in zip(results(scanned), results(unrolled)) { #expect(distance(a, b) < 1e-13) }
  }

  @Test(arguments: examples)
  func `Its derivatives of both orders are those of differences`(_ example: Example) {
    #expect(gradientProblems(at: points(example), order: 2) { scanned(example, $0) } == [])
  }

  @Test func `A scan within a scan is a loop within a loop`() {
    func nested(_ p: [Tensor]) -> Tensor {
      Scan.run(carry: [p[0]], stacks: [p[1]], length: 3) { carry, slices in
        let inner = Scan.run(carry: carry, stacks: [], length: 2) { carry, _ in
          ([(carry[0] * p[2] + slices[0]).sin()], [])
        }
        return (inner.carry, [inner.carry[0] * 2])
      }.outputs[0]
    }
    func unrolled(_ p: [Tensor]) -> Tensor {
      var (carry, outputs) = (p[0], [Tensor]())
      for t in 0..<3 {
        for _ in 0..<2 { carry = (carry * p[2] + p[1].element(0, t)).sin() }
        outputs.append(carry * 2)
      }
      return stack(outputs)
    }
    let points = [normal([4]), normal([3, 4], 2), normal([4], 3)]
    #expect(distance(nested(points), unrolled(points)) < 1e-14)
    #expect(gradientProblems(at: points, order: 2, nested) == [])
  }

  @Test func `A loop can be written as StableHLO`() {
    let example = Example(length: 4, isReversed: true)
    let types = points(example).map { $0.type.with(.float32) }
    let text = emitted(types) { p in
      let y = scanned(example, p)
      return [y] + gradients(of: [y], seeds: [y], by: p).map { $0! }
    }
    #expect(text.contains("stablehlo.while"))
  }
}

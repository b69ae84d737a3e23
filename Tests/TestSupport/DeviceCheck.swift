package import Tensors

/// Where the values of `f` and its gradients, up to the order that is asked for, differ between a device and the CPU, in
/// sentences. Integers and truth values must be the same; floats may differ by `tolerance` of the largest element, by
/// default what rounding in another order makes of their type.
package func deviceProblems(
  on device: Device, at points: [Tensor], order: Int = 2, tolerance: Double? = nil,
  _ f: ([Tensor]) -> [Tensor]
) throws -> [String] {
  _ = try Evaluation.values(of: points, on: .cpu)
  func results(on device: Device) throws -> [Tensor] {
    let operands = points.map { Tensor(Alias("x"), [$0]) }
    let inputs = operands.filter { $0.dataType.isFloatingPoint }
    var latest = f(operands)
    var all = latest
    for _ in 0..<order {
      latest = latest.filter { $0.dataType.isFloatingPoint }
      let seeds = latest.enumerated().map { i, y in
        RandomKey(seed: 7).fork(i).normal(y.shape, .float64).cast(to: y.dataType)
      }
      latest = gradients(of: latest, seeds: seeds, by: inputs).compactMap { $0 }
      all += latest
    }
    let values = try Evaluation.values(of: all, on: device)
    return zip(values, all).map { Tensor($0, $1.type) }
  }
  return zip(try results(on: device), try results(on: .cpu)).enumerated().compactMap { i, pair in
    let (found, expected) = pair
    let allowed = expected.dataType.isFloatingPoint ? tolerance ?? expected.dataType.rounding : 0
    if found.type != expected.type { return "result \(i) has type \(found.type)" }
    let difference = ValueDifference(found, expected)
    let (here, there) = difference.values
    return difference.distance <= allowed
      ? nil : "result \(i), \(expected.type), element \(difference.element): \(here), CPU \(there)"
  }
}

extension DataType {
  /// How far sums in different orders may be apart, relative to the largest element.
  fileprivate var rounding: Double {
    switch self {
    case .float64: 1e-10
    case .float32: 3e-5
    case .float16: 1e-2
    case .bfloat16: 3e-2
    case .int32, .int64, .uint8, .bool: 0
    }
  }
}

/// The first operation of a program whose values differ between two devices.
public struct ComputationDifference: Sendable, CustomStringConvertible {
  /// What the operation is called, such as "softmax".
  public let operation: String
  /// Its number among the program's operations, from 0, and how many there are.
  public let position: Int
  public let count: Int
  /// The type of the value that differs.
  public let type: TensorType
  /// The nearest tensors of the model, batch or state that it is computed from, by their dotted names.
  public let nearest: [String]
  /// The element that differs most, and its values on the two devices.
  public let element: Int
  public let values: (Double, Double)
  /// The distance of these, relative to the largest element.
  public let distance: Double
  /// The largest distance of its operands: where that is small, the operation itself is at fault.
  public let operandDistance: Double

  public var description: String {
    "operation \(position + 1) of \(count), \(operation) \(type), near "
      + (nearest.isEmpty ? "no named tensor" : nearest.joined(separator: ", "))
      + ": element \(element) is \(values.0) on one device and \(values.1) on the other, "
      + "\(distance) of the largest element apart; its operands differ by \(operandDistance)"
  }
}

/// How far two values are apart.
package struct ValueDifference: Sendable {
  package var element = 0
  package var values = (0.0, 0.0)
  /// Of the largest finite element of the second value; 0 for equal values, NaN being equal to NaN, infinite where one is
  /// not finite or a truth value or whole number differs.
  package var distance = 0.0

  package init(_ a: Tensor, _ b: Tensor) {
    let isExact = !b.dataType.isFloatingPoint
    let (a, b) = Device.cpu.run { (a.doubles(), b.doubles()) }
    let scale = b.reduce(0) { $1.isFinite ? Swift.max($0, Swift.abs($1)) : $0 }
    for i in a.indices where a[i] != b[i] && !(a[i].isNaN && b[i].isNaN) {
      let apart = Swift.abs(a[i] - b[i]) / Swift.max(scale, .leastNormalMagnitude)
      let distance = isExact || !apart.isFinite ? Double.infinity : apart
      if distance > self.distance { (element, values, self.distance) = (i, (a[i], b[i]), distance) }
    }
  }
}

extension Program {
  /// Runs the program on two devices, keeps the value of every operation, and finds the first that differs by more than
  /// `tolerance`. Takes the memory of all values at once, on the host and on both devices.
  /// - Parameter names: of arguments, where they have one.
  package func firstDifference(
    of arguments: [Storage], names: [Int: String], between a: Device, and b: Device,
    tolerance: Double
  ) throws -> ComputationDifference? {
    var probe = self
    probe.outputs = instructions.flatMap(\.results)
    let results = try [a, b].map { device in
      var arguments = arguments
      return try device.executor.compile(probe, ArgumentRoles()).run(&arguments)
    }
    var distances = [Double](repeating: 0, count: types.count)
    for (position, instruction) in instructions.enumerated() {
      for value in instruction.results {
        let i = value - inputCount
        let difference = ValueDifference(
          Tensor(results[0][i], types[value]), Tensor(results[1][i], types[value]))
        distances[value] = difference.distance
        if difference.distance > tolerance {
          return ComputationDifference(
            operation: instruction.primitive.name, position: position, count: instructions.count,
            type: types[value], nearest: nearest(to: instruction, names),
            element: difference.element, values: difference.values, distance: difference.distance,
            operandDistance: instruction.operands.map { distances[$0] }.max() ?? 0)
        }
      }
    }
    return nil
  }

  /// The named arguments that fewest operations lie between.
  private func nearest(to instruction: Instruction, _ names: [Int: String]) -> [String] {
    var maker: [Int: Instruction] = [:]
    for instruction in instructions {
      for value in instruction.results { maker[value] = instruction }
    }
    var ring = Set(instruction.operands)
    var seen = ring
    while !ring.isEmpty {
      let found = ring.sorted().compactMap { names[$0] }
      if !found.isEmpty { return found }
      ring = Set(ring.flatMap { maker[$0]?.operands ?? [] }).subtracting(seen)
      seen.formUnion(ring)
    }
    return []
  }
}

extension Program {
  /// How often the program multiplies two numbers and adds the product to a sum: in products of matrices, convolutions and
  /// attention, loops included. Elementwise work is left out, as libraries do that publish such counts.
  package var multiplyAdds: Int {
    instructions.reduce(0) { $0 + multiplyAdds(of: $1) }
  }

  private func multiplyAdds(of instruction: Instruction) -> Int {
    let (operands, results) = (operandTypes(instruction), resultTypes(instruction))
    /// Numbers of a kernel that one number of a result sees: [out, in / groups, kernel…].
    func window(_ weight: TensorType) -> Int { weight.shape.dropFirst().reduce(1, *) }
    /// Scores, and the means of values by them.
    func products(_ sizes: Attention.Sizes?) -> Int {
      sizes.map { 2 * $0.batch * $0.heads * $0.queries * $0.keys * $0.width } ?? 0
    }
    switch instruction.primitive {
    case let product as MatrixProduct:
      let left = operands[0].shape
      return results[0].count * left[left.count - (product.transposesLeft ? 2 : 1)]
    case is ConvolutionForward: return results[0].count * window(operands[1])
    case is ConvolutionInputGradient: return operands[0].count * window(operands[1])
    case is ConvolutionWeightGradient: return operands[1].count * window(results[0])
    case let attention as Attention: return products(try? attention.sizes(operands))
    case let scan as Scan: return scan.length * scan.body.multiplyAdds
    default: return 0
    }
  }
}

extension Tensor {
  /// How many multiply-adds lead from these arguments to the results; see `Program.multiplyAdds`. Nothing is computed, and
  /// what does not depend on the arguments does not count.
  package static func multiplyAdds(from arguments: [Tensor], to results: [Tensor]) -> Int {
    Program.trace(results, arguments: arguments).program.multiplyAdds
  }
}

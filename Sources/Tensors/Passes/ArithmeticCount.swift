extension Program {
  /// Two operations for each multiply-add of the products, convolutions and attention that computing a tensor takes.
  /// Normalisation, elementwise work and everything that is computed already are not counted.
  package static func arithmetic(of body: () -> Tensor) -> Double {
    let output = Evaluation.$mode.withValue(.trace) { body() }
    // What was made before the trace is an argument; nothing is captured as a whole.
    return trace([output], capturesBefore: -1).program.arithmetic
  }

  private var arithmetic: Double {
    instructions.map { instruction in
      let (inputs, outputs) = (operandTypes(instruction), resultTypes(instruction))
      switch instruction.primitive {
      case let product as MatrixProduct:
        let shape = inputs[0].shape
        let inner = shape[product.transposesLeft ? shape.count - 2 : shape.count - 1]
        return 2 * Double(outputs[0].count) * Double(inner)
      case is ConvolutionForward:
        let weight = inputs[1]
        return 2 * Double(outputs[0].count) * Double(weight.count / max(weight.shape[0], 1))
      case is ConvolutionInputGradient:
        // A transposed convolution: every number of the input meets the weights of all outputs of its group.
        let weight = inputs[1]
        return 2 * Double(inputs[0].count) * Double(weight.count / max(weight.shape[0], 1))
      case is Attention:
        // Scores and sums of values, a multiply-add each; causal attention counts in full, as in the peers.
        let output = outputs[0].shape
        let keys = inputs[inputs.count > 1 ? 1 : 0].shape[1]
        return 4 * Double(outputs[0].count) * Double(keys) * (output.isEmpty ? 0 : 1)
      case let scan as Scan: return Double(scan.length) * scan.body.arithmetic
      default: return 0
      }
    }.reduce(0, +)
  }
}

public import Layers
public import Tensors

/// An optimizer whose learning rate is scaled for each tensor: layer-wise decay, slower or frozen parts.
///
///     ScaledRates(AdamW(for: model), of: model) { name in name.hasPrefix("head") ? 1 : 0.1 }
///
/// A tensor goes `scale` of the way the base optimizer takes it, which is the same as `scale` times its learning rate for
/// all optimizers here but Rprop; the decay is scaled with it. A tensor of scale 0 stays exactly as it is.
public struct ScaledRates<Base: Optimizer>: Optimizer {
  public var base: Base
  /// One factor for every tensor of the model, in the order of its `visit`.
  public let scales: [Double]

  public var learningRate: Tensor {
    get { base.learningRate }
    set { base.learningRate = newValue }
  }

  /// - Parameter scale: the factor of the tensor with this dotted name.
  public init(_ base: Base, of model: Base.Model, scale: (_ name: String) -> Double) {
    self.base = base
    scales = model.leaves.map { scale($0.name) }
  }

  public mutating func update(_ model: inout Base.Model, along gradient: Base.Model) {
    let before = model.leaves
    guard before.count == scales.count else {
      fail("rates are scaled for \(scales.count) tensors, the model has \(before.count)")
    }
    base.update(&model, along: gradient)
    let after = model.tensors
    model.replaceTensors(
      before.indices.map { i in
        guard before[i].isTrained, scales[i] != 1 else { return after[i] }
        if scales[i] == 0 { return before[i].tensor }
        return before[i].tensor + (after[i] - before[i].tensor) * scales[i]
      })
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&base)
    visitor.fixed("rate_scales", scales)
  }
}

/// The factors of layer-wise decay (Clark et al., arXiv:2003.10555; Bao et al., arXiv:2106.08254): decay^(layers + 1 − d)
/// for a tensor at depth d, which is 0 for the embeddings, 1 … layers for the blocks and layers + 1 for the head.
public func layerwiseScale(_ decay: Double, layers: Int, depth: Int) -> Double {
  var scale = 1.0
  for _ in 0..<max(layers + 1 - depth, 0) { scale *= decay }
  return scale
}

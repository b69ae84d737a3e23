public import Layers
public import Tensors

/// A network that tells noise from image: the one thing that objectives and samplers of diffusion know of networks.
public protocol Denoiser<Condition>: Module {
  /// What it may be told besides: labels, a text's encoding, `Nothing`.
  associatedtype Condition: Module

  /// What the network says about `x`; its `Parameterisation` is the process's.
  /// - Parameters:
  ///   - x: images with noise: [batch, …].
  ///   - time: [batch], in the units of the process: the step 0 ..< T (int32) of a discrete one.
  ///   - condition: nil where the network should answer for any condition.
  /// - Returns: the shape of `x`.
  func callAsFunction(_ x: Tensor, at time: Tensor, condition: Condition?, _ phase: Phase) -> Tensor
}

extension Denoiser {
  public func callAsFunction(_ x: Tensor, at time: Tensor, condition: Condition? = nil) -> Tensor {
    self(x, at: time, condition: condition, .inference)
  }
}

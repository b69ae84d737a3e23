public import Models
public import Tensors

/// Draws a model's units by turns, each given the others (Geman and Geman 1984).
public struct GibbsSampling<Model: GibbsModel>: MarkovKernel {
  public init() {}

  public func move(_ chains: inout Chains, of model: Model, _ key: RandomKey) -> MoveReport {
    chains.states = model.gibbsSweep(chains.states, key)
    return MoveReport(acceptance: .ones([chains.states.shape[0]]))
  }
}

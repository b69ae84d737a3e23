public import Models
public import Tensors

/// Pictures from coarse to fine: each grid's chains begin at the coarser grid's sample, every pixel a square of equal ones,
/// and make a few Langevin moves (Gao et al., arXiv:1709.08868, algorithm 1). All that is drawn otherwise is one pixel.
public struct MultiGridSampling<Energy: EnergyModel>: Sendable {
  /// How chains move on every grid.
  public var kernel: Langevin<Energy>
  /// Moves on each grid.
  public var moves: Int

  public init(_ kernel: Langevin<Energy>, moves: Int) {
    self.kernel = kernel
    self.moves = moves
  }

  /// Samples of every grid, [batch, size, size, channels], without a gradient.
  ///
  /// - Parameter pixels: pictures of one pixel, [batch, 1, 1, channels]: draws of the data's mean levels.
  public func samples(
    of model: MultiGrid<Energy>, from pixels: Tensor, _ key: RandomKey
  ) -> [Tensor] {
    var x = pixels
    return zip(model.sizes, model.energies).enumerated().map { grid, level in
      x = x.blocks(to: level.0)
      if moves > 0 { x = kernel.moved(x, of: level.1, moves: moves, key.fork(grid)) }
      return x
    }
  }
}

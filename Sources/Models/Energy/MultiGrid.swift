public import Layers
public import Tensors

/// Energies of the same pictures at several sizes (Gao et al., arXiv:1709.08868, section 3.2): each says which details are
/// likely at its own.
public struct MultiGrid<Energy: EnergyModel>: Module {
  /// One for each size, of pictures [batch, size, size, channels].
  public var energies: [Energy]
  /// From small to large; each divides the next.
  public let sizes: [Int]

  public init(sizes: [Int], energies: [Energy]) {
    guard sizes.count == energies.count, let first = sizes.first, first > 0,
      zip(sizes, sizes.dropFirst()).allSatisfy({ $0 < $1 && $1 % $0 == 0 })
    else { fail("\(energies.count) energies of pictures of sizes \(sizes) are no grids") }
    self.sizes = sizes
    self.energies = energies
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("energies", &energies)
    visitor.fixed("sizes", sizes)
  }
}

/// Sizes of a multi-grid energy of pictures.
public struct MultiGridEnergyConfiguration: Codable, Hashable, Sendable {
  public var sizes: [Int]
  public var channels: Int
  /// Filters of each grid's convolutions.
  public var filters: [Int]
  public var reach: Double

  public init(
    sizes: [Int] = [7, 14, 28], channels: Int = 1, filters: [Int] = [32, 64, 64], reach: Double = 1
  ) {
    self.sizes = sizes
    self.channels = channels
    self.filters = filters
    self.reach = reach
  }
}

extension MultiGrid where Energy == PictureEnergy {
  public init(_ configuration: MultiGridEnergyConfiguration, key: RandomKey) {
    self.init(
      sizes: configuration.sizes,
      energies: configuration.sizes.enumerated().map { i, size in
        PictureEnergy(
          PictureEnergyConfiguration(
            size: size, channels: configuration.channels, filters: configuration.filters,
            reach: configuration.reach), key: key.fork(i))
      })
  }
}

extension Tensor {
  /// The means of equal squares of pictures [batch, rows, columns, channels] that become `size` pixels wide.
  public func blockMeans(to size: Int) -> Tensor {
    let edge = gridEdge(from: size, to: shape[1])
    return reshaped([shape[0], size, edge, size, edge, shape[3]]).mean([2, 4])
  }

  /// Every pixel of pictures [batch, rows, columns, channels] repeated, so that they become `size` pixels wide.
  public func blocks(to size: Int) -> Tensor {
    let edge = gridEdge(from: shape[1], to: size)
    return expanded([2, 4]).broadcast(
      to: [shape[0], shape[1], edge, shape[2], edge, shape[3]]
    ).reshaped([shape[0], size, size, shape[3]])
  }

  private func gridEdge(from small: Int, to large: Int) -> Int {
    guard rank == 4, shape[1] == shape[2], small > 0, large % small == 0 else {
      fail("pictures \(shape) have no grid between \(small) and \(large) pixels")
    }
    return large / small
  }
}

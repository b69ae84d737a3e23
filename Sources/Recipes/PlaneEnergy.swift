internal import Foundation
internal import Models
internal import Reports
internal import Samplers
internal import Tensors
internal import Training

/// What recipes of energies in the plane share: there the constant is known, and so the likelihood.
enum PlaneEnergy {
  /// log ∫ exp(−U) over a square of edge 24 by midpoints 0.06 apart; the energies' bowls leave nothing outside.
  static func logPartition<Model: EnergyModel>(of model: Model) -> Double {
    let side = 400
    let step = 24 / Double(side)
    let x = (Tensor.indices([side, side], axis: 1).cast(to: .float32) + 0.5) * step - 12
    let points = stack([x, x.transposed()], axis: 2).reshaped([side * side, 2])
    return (-model.energy(points)).cast(to: .float64).logSumExp(0).scalar + 2 * log(step)
  }

  /// −log p of the held-out points in nats.
  static func nats<Model: EnergyModel>(
    of model: Model, on data: DataSplit<Examples<Tensor>>
  ) -> Double {
    let held = data.heldOut.batch(Array(0..<data.heldOut.count))
    return model.energy(held).mean().scalar + logPartition(of: model)
  }

  /// Points drawn by tempered chains from far and wide, [count, 2].
  static func samples<Model: EnergyModel>(
    of model: Model, count: Int, _ key: RandomKey
  ) -> Tensor {
    typealias Path = EnergyPath<FlatEnergy, Model>
    let ladder = ParallelTempering(
      Langevin<Path>(step: 0.03, isAdjusted: true), rungs: 4, lowest: 0.1)
    let start = key.fork(0).normal([count * ladder.shares.count, 2], deviation: 2)
    let path = Path(from: FlatEnergy(), to: model)
    return ladder.own(ladder.moved(start, of: path, moves: 300, key.fork(1)))
  }

  static func figures<Model: EnergyModel>(
    of model: Model, _ points: PlanePoints, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] {
    let constant = logPartition(of: model)
    return points.figures(data, samples: samples(of: model, count: 600, key)) {
      (-model.energy($0) - constant).exp()
    }
  }
}

internal import Checkpoints
internal import Documents
package import Layers
package import Tensors

extension Fixture.Case {
  /// A layer with the weights of the case.
  package func weights<M: Module>(into form: M) throws -> M {
    form.replacingTensors(
      try form.leaves.map { leaf in
        guard let weight = weight(leaf.name), weight.shape == leaf.tensor.shape else {
          throw ModelFixtureError.weight(leaf.name, leaf.tensor.shape, weight(leaf.name)?.shape)
        }
        return weight
      })
  }
}

extension Fixture {
  /// A model with the fixture's weights: those it has, which must be exactly those that the model names, or those of its
  /// recipe, which are functions of their names.
  /// - Parameter prefix: what comes before the model's names.
  package func weights<M: Module>(into form: M, prefix: String = "") throws -> M {
    let leaves = form.leaves
    guard metadata["recipe"] == nil else {
      let recipe = try recipe
      return form.replacingTensors(
        leaves.map {
          $0.tensor.dataType.isFloatingPoint ? recipe(prefix + $0.name, $0.tensor.shape) : $0.tensor
        })
    }
    let tensors = try leaves.map { leaf in
      let name = prefix + leaf.name
      guard let weight = weight(name), weight.shape == leaf.tensor.shape else {
        throw ModelFixtureError.weight(name, leaf.tensor.shape, weight(name)?.shape)
      }
      return weight
    }
    let surplus = Set((weights?.entries ?? []).map(\.name)).subtracting(
      leaves.map { prefix + $0.name })
    guard surplus.isEmpty else { throw ModelFixtureError.surplus(surplus.sorted()) }
    return form.replacingTensors(tensors)
  }

  /// The picture that the recipe makes, in the published order of axes.
  package func recipeInput(_ name: String) throws -> Tensor {
    let shape = config["input"]?[name]?.elements?.compactMap(\.integer) ?? []
    return try recipe.uniform("input.\(name)", shape) { $0 * 3.0.squareRoot() }
  }

  private var recipe: WeightRecipe {
    get throws {
      let seed = metadata["recipe_seed"].flatMap { UInt64($0) }
      guard let seed, let gain = metadata["recipe_gain"].flatMap(Double.init) else {
        throw ModelFixtureError.noRecipe
      }
      return WeightRecipe(seed: seed, gain: gain)
    }
  }
}

package enum ModelFixtureError: Error {
  case weight(String, [Int], [Int]?)
  case surplus([String])
  case noRecipe
}

/// Weights that anyone can compute again bit for bit, from their names alone.
private struct WeightRecipe {
  let seed: UInt64
  let gain: Double

  func callAsFunction(_ name: String, _ shape: [Int]) -> Tensor {
    let fan = Double(shape.dropFirst().reduce(1, *))
    switch name.split(separator: ".").last {
    case "running_var": return uniform(name, shape) { 1 + 0.5 * $0 }
    case "running_mean", "bias": return uniform(name, shape) { 0.1 * $0 }
    case _ where shape.count <= 1: return uniform(name, shape) { 1 + 0.2 * $0 }
    default: return uniform(name, shape) { gain * (3 / fan).squareRoot() * $0 }
    }
  }

  /// A function of numbers in [−1, 1): splitmix64 from the name's FNV-1a hash.
  func uniform(_ name: String, _ shape: [Int], _ value: (Double) -> Double) -> Tensor {
    let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let start = hash ^ seed
    return Tensor(
      (0..<UInt64(shape.reduce(1, *))).map { i in
        var z = start &+ (i + 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        z = z ^ z >> 31
        return Float(value(Double(z >> 40) / 8_388_608 - 1))
      }, shape: shape)
  }
}

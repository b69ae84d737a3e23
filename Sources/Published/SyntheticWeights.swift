public import Tensors

/// Weights that anyone can compute again, bit for bit, from their names alone: for checking networks whose real weights are
/// too large to keep.
///
/// A tensor's numbers come from splitmix64 (Steele et al. 2014), started with the FNV-1a hash of its name and the seed: u in
/// [−1, 1) for every element. By the last part of the name: `running_var` is 1 + 0.5u, `running_mean` and `bias` 0.1u; other
/// tensors of at most one axis 1 + 0.2u; all others gain · √(3 / product of the sizes after the first) · u.
public struct SyntheticWeights: Sendable {
  public let seed: UInt64
  public let gain: Double

  public init(seed: UInt64, gain: Double) { (self.seed, self.gain) = (seed, gain) }

  /// What a `config.json` says under `recipe`; nil where it has none.
  public init?(_ configuration: ModelConfiguration) throws(PublishedError) {
    guard configuration.has("recipe") else { return nil }
    let recipe = try configuration.part("recipe")
    let name = try recipe.text("name")
    try recipe.require(name == "splitmix64", "name", "is \"\(name)\"", "only splitmix64 is known")
    seed = UInt64(bitPattern: Int64(try recipe.integer("seed")))
    gain = try recipe.real("gain")
  }

  /// What the metadata of a file of tensors say under `recipe`, `recipe_seed` and `recipe_gain`; nil where they do not.
  public init?(metadata: [String: String]) {
    guard metadata["recipe"] == "splitmix64",
      let seed = metadata["recipe_seed"].flatMap(Int64.init),
      let gain = metadata["recipe_gain"].flatMap(Double.init)
    else { return nil }
    self.init(seed: UInt64(bitPattern: seed), gain: gain)
  }

  /// The tensor of a name and shape, float32.
  public func callAsFunction(_ name: String, _ shape: [Int]) -> Tensor {
    let fan = Double(shape.dropFirst().reduce(1, *))
    switch name.split(separator: ".").last {
    case "running_var": return uniform(name, shape) { 1 + 0.5 * $0 }
    case "running_mean", "bias": return uniform(name, shape) { 0.1 * $0 }
    case _ where shape.count <= 1: return uniform(name, shape) { 1 + 0.2 * $0 }
    default: return uniform(name, shape) { gain * (3 / fan).squareRoot() * $0 }
    }
  }

  /// A function of a name's numbers, float32.
  public func uniform(_ name: String, _ shape: [Int], _ value: (Double) -> Double) -> Tensor {
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

internal import Documents
internal import Foundation
internal import Layers

extension ModelConfiguration {
  /// Rotary positions by transformers' `rope_parameters`, or `rope_scaling` and `rope_theta` of older files.
  func rotary(width: Int, context: Int) throws(PublishedError) -> RotaryConfiguration {
    let theta = try positiveNumber("rope_theta", default: 10_000)
    let rope = try part(
      has("rope_scaling") ? "rope_scaling" : "rope_parameters", isOptional: true)
    var rotary = RotaryConfiguration(base: try rope.positiveNumber("rope_theta", default: theta))
    let share = try rope.real(
      "partial_rotary_factor", default: try real("partial_rotary_factor", default: 1))
    try require(
      share == 1, "partial_rotary_factor", "is \(share)", "only whole heads turn in this network")
    let type = try rope.text("rope_type", default: try rope.text("type", default: "default"))
    rotary.scaling = try rope.scaling(
      type, width: width, context: context,
      trained: try size(
        "original_max_position_embeddings",
        default: try rope.size("original_max_position_embeddings", default: context)))
    return rotary
  }

  private func scaling(_ type: String, width: Int, context: Int, trained: Int)
    throws(PublishedError) -> RotaryConfiguration.Scaling
  {
    switch type {
    case "default": return .none
    case "linear": return .linear(factor: try positiveNumber("factor"))
    case "dynamic":
      try require(width > 2, "rope_type", "is \"dynamic\"", "heads must be wider than 2")
      return .dynamic(factor: try factor(), context: context)
    case "llama3":
      let (low, high) = (
        try positiveNumber("low_freq_factor"), try positiveNumber("high_freq_factor")
      )
      try require(
        low < high, "low_freq_factor", "is \(low)", "it must be below \"high_freq_factor\" \(high)")
      return .llama3(factor: try positiveNumber("factor"), context: trained, low: low, high: high)
    case "yarn": return try yarn(context: context, trained: trained)
    case "longrope": return try longrope(width: width, context: context, trained: trained)
    default:
      throw .configuration(
        file: file, problem: "\"rope_type\" is \"\(type)\"",
        mend: "known are default, linear, dynamic, llama3, yarn and longrope")
    }
  }

  private func yarn(context: Int, trained: Int) throws(PublishedError)
    -> RotaryConfiguration.Scaling
  {
    let factor = try positiveNumber("factor", default: Double(context) / Double(trained))
    func stretch(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
    var stretched = stretch(1)
    if has("attention_factor") {
      stretched = try real("attention_factor")
    } else if has("mscale"), has("mscale_all_dim") {
      let (one, all) = (try real("mscale"), try real("mscale_all_dim"))
      if one != 0, all != 0 { stretched = stretch(one) / stretch(all) }
    }
    func turns(_ name: String, _ value: Double) throws(PublishedError) -> Double {
      // Zero is the default, as in the library.
      let turns = try real(name, default: value)
      return turns == 0 ? value : turns
    }
    let (fast, slow) = (try turns("beta_fast", 32), try turns("beta_slow", 1))
    try require(fast > 0 && slow > 0, "beta_fast", "is \(fast)", "turns must be positive")
    return .yarn(
      factor: factor, context: trained, fast: fast, slow: slow, stretch: stretched,
      isRounded: try bool("truncate", default: true))
  }

  private func longrope(width: Int, context: Int, trained: Int) throws(PublishedError)
    -> RotaryConfiguration.Scaling
  {
    func divisors(_ name: String) throws(PublishedError) -> [Double] {
      let numbers = values[name]?.elements?.compactMap(\.real) ?? []
      try require(
        numbers.count == width / 2 && numbers.allSatisfy { $0 > 0 }, name,
        "has \(numbers.count) numbers", "give \(width / 2) positive ones, half the head's width")
      return numbers
    }
    let factor = try positiveNumber("factor", default: Double(context) / Double(trained))
    let usual = factor <= 1 ? 1 : (1 + log(factor) / log(Double(trained))).squareRoot()
    return .longrope(
      short: try divisors("short_factor"), long: try divisors("long_factor"), context: trained,
      stretch: try real("attention_factor", default: usual))
  }

  private func factor() throws(PublishedError) -> Double {
    let factor = try positiveNumber("factor")
    try require(factor >= 1, "factor", "is \(factor)", "it must be at least 1")
    return factor
  }

  private func positiveNumber(_ name: String, default value: Double? = nil) throws(PublishedError)
    -> Double
  {
    let number = try real(name, default: value)
    try require(number > 0 && number.isFinite, name, "is \(number)", "it must be positive")
    return number
  }
}

internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// How much noise each of T steps adds: x_t = √(1 − β_t) x_{t−1} + √β_t · noise (Ho et al., arXiv:2006.11239, eq. 2).
///
/// Steps are counted from 0 to T − 1, as the published networks count them; step 0 already has a little noise. All in
/// Double.
public struct NoiseSchedule: Hashable, Sendable {
  /// The families, under the names that diffusers' `scheduler_config.json` gives them.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// β rises straight (DDPM: 10⁻⁴ to 0.02).
    case linear
    /// √β rises straight (latent diffusion: 0.00085 to 0.012).
    case scaledLinear = "scaled_linear"
    /// √ᾱ falls as a cosine (Nichol and Dhariwal, arXiv:2102.09672, eq. 17).
    case cosine = "squaredcos_cap_v2"
    /// β rises as a sigmoid.
    case sigmoid
  }

  /// β of every step.
  public let betas: [Double]
  /// ᾱ of every step: the part of the variance that is still the image's. The product of 1 − β up to there.
  public let signalPowers: [Double]

  /// A schedule with given βs, each from 0 (not included) to 1.
  public init(betas: [Double]) {
    var power = 1.0
    self.init(
      betas: betas,
      signalPowers: betas.map { beta in
        power *= 1 - beta
        return power
      })
  }

  private init(betas: [Double], signalPowers: [Double]) {
    guard !betas.isEmpty, betas.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
      fail("a noise schedule has one step or more, and each β is above 0 and at most 1")
    }
    self.betas = betas
    self.signalPowers = signalPowers
  }

  /// - Parameters:
  ///   - range: β of the first and the last step; the cosine has its own.
  public init(_ kind: Kind, steps: Int = 1000, range: ClosedRange<Double> = 1e-4...0.02) {
    guard steps > 0 else { fail("a noise schedule cannot have \(steps) steps") }
    let (low, high) = (range.lowerBound, range.upperBound)
    func spread(_ a: Double, _ b: Double) -> [Double] {
      (0..<steps).map { steps == 1 ? a : a + (b - a) * Double($0) / Double(steps - 1) }
    }
    switch kind {
    case .linear: self.init(betas: spread(low, high))
    case .scaledLinear:
      self.init(betas: spread(low.squareRoot(), high.squareRoot()).map { $0 * $0 })
    case .sigmoid: self.init(betas: spread(-6, 6).map { low + (high - low) / (1 + exp(-$0)) })
    case .cosine:
      func power(_ i: Int) -> Double {
        let root = cos((Double(i) / Double(steps) + 0.008) / 1.008 * .pi / 2)
        return root * root
      }
      // Nothing would be left at the end; 0.999 keeps the last steps finite.
      self.init(betas: (0..<steps).map { min(1 - power($0 + 1) / power($0), 0.999) })
    }
  }

  /// The number of steps, T.
  public var count: Int { betas.count }

  /// ᾱ of a step; 1 before the first.
  public func signalPower(_ time: Int) -> Double { time < 0 ? 1 : signalPowers[time] }

  /// ᾱ / (1 − ᾱ) of a step.
  public func signalToNoise(_ time: Int) -> Double {
    signalPowers[time] / (1 - signalPowers[time])
  }

  /// The schedule stretched so that nothing of the image is left at the end (Lin et al., arXiv:2305.08891, algorithm 1).
  /// The network must predict velocities or clean images: noise alone says nothing there.
  public var withZeroTerminalSignal: NoiseSchedule {
    let roots = signalPowers.map { $0.squareRoot() }
    let (first, last) = (roots[0], roots[count - 1])
    guard count > 1 else { fail("a schedule of one step cannot be stretched") }
    let powers = roots.map { root in
      let moved = (root - last) * first / (first - last)
      return moved * moved
    }
    let betas = powers.indices.map { $0 == 0 ? 1 - powers[0] : 1 - powers[$0] / powers[$0 - 1] }
    return NoiseSchedule(betas: betas, signalPowers: powers)
  }
}

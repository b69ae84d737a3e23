import CKernels
import Foundation
import Testing

/// One setting of batch, group or instance norm.
struct ChannelNormCase: Sendable, CustomTestStringConvertible {
  var images: Int, pixels: Int, channels: Int, groups: Int
  var activation: apus_norm_activation = APUS_NORM_LINEAR
  var affine = true, residual = false, variance = false

  var testDescription: String {
    "\(images) x \(pixels) x \(channels) in \(groups), activation \(activation.rawValue)"
      + (affine ? "" : " plain") + (residual ? " residual" : "") + (variance ? " variance" : "")
  }

  static let shapes = [
    (1, 1, 1, 1), (2, 5, 6, 2), (1, 700, 64, 64), (1, 1003, 3, 3), (3, 49, 16, 4), (9, 30, 32, 8),
    (1, 4000, 70, 70),
    (2, 3000, 40, 5), (1, 0, 4, 4), (0, 3, 2, 1), (12, 17, 1, 1), (2, 129, 6, 1),
    (3, 10_000, 12, 3),
  ]
  static let all: [ChannelNormCase] = shapes.flatMap { images, pixels, channels, groups in
    let plain = ChannelNormCase(images: images, pixels: pixels, channels: channels, groups: groups)
    var relu = plain
    var silu = plain
    var bare = plain
    (relu.activation, relu.residual, relu.variance) = (APUS_NORM_RELU, true, true)
    silu.activation = APUS_NORM_SILU
    (bare.affine, bare.activation) = (false, APUS_NORM_RELU)
    return [plain, relu, silu, bare]
  }

  func description(_ type: apus_type) -> apus_channel_norm {
    apus_channel_norm(
      images: Int64(images), pixels: Int64(pixels), channels: Int64(channels),
      groups: Int64(groups),
      epsilon: 1e-5, type: Int32(type.rawValue), activation: Int32(activation.rawValue),
      has_weight: affine ? 1 : 0, has_bias: affine ? 1 : 0, has_residual: residual ? 1 : 0,
      keeps_variance: variance ? 1 : 0)
  }

  /// x, weight, bias and residual.
  struct Inputs<Real: BinaryFloatingPoint & BitwiseCopyable> {
    var x: [Real], w: [Real], b: [Real], r: [Real]
    func map<Other>(_ change: (Real) -> Other) -> Inputs<Other> {
      .init(x: x.map(change), w: w.map(change), b: b.map(change), r: r.map(change))
    }
  }

  func inputs(_ numbers: inout Numbers) -> Inputs<Float> {
    let count = images * pixels * channels
    return .init(
      x: numbers.floats(count).map { $0 * 2 + 1 }, w: numbers.floats(channels),
      b: numbers.floats(channels),
      r: numbers.floats(count))
  }

  func forward<Real: BinaryFloatingPoint & BitwiseCopyable>(
    _ i: Inputs<Real>, _ type: apus_type, on set: String? = nil
  ) -> (y: [Real], mean: [Real], statistic: [Real]) {
    let y = Memory(i.x)
    let mean = Memory(images * groups, of: Real(9))
    let statistic = Memory(images * groups, of: Real(9))
    let inputs =
      [Memory(i.x)] + (affine ? [Memory(i.w), Memory(i.b)] : []) + (residual ? [Memory(i.r)] : [])
    var norm = description(type)
    let done = run(on: set, inputs + [y, mean, statistic]) {
      unsafe apus_channel_norm_prepare(&norm, $0.pointer)
    }
    #expect(done)
    return (y.values(), mean.values(), statistic.values())
  }

  func backward<Real: BinaryFloatingPoint & BitwiseCopyable>(
    _ dy: [Real], _ i: Inputs<Real>, _ mean: [Real], _ statistic: [Real], _ type: apus_type,
    on set: String? = nil
  ) -> Inputs<Real> {
    let dx = Memory(i.x)
    let dw = Memory(i.w)
    let db = Memory(i.b)
    let dr = Memory(i.r)
    let inputs =
      [Memory(dy), Memory(i.x)] + (affine ? [Memory(i.w), Memory(i.b)] : [])
      + (residual ? [Memory(i.r)] : []) + [Memory(mean), Memory(statistic)]
    var norm = description(type)
    let done = run(on: set, inputs + [dx] + (affine ? [dw, db] : []) + (residual ? [dr] : [])) {
      unsafe apus_channel_norm_gradient_prepare(&norm, $0.pointer)
    }
    #expect(done)
    return Inputs(x: dx.values(), w: dw.values(), b: db.values(), r: dr.values())
  }

  /// The plain formula.
  func naive(_ i: Inputs<Double>) -> (y: [Double], mean: [Double], statistic: [Double]) {
    var y = i.x
    var means: [Double] = []
    var statistics: [Double] = []
    let size = channels / groups
    let n = Double(max(1, pixels * size))
    for image in 0..<images {
      for group in 0..<groups {
        let places = (0..<pixels).flatMap { pixel in
          (group * size..<(group + 1) * size).map { (image * pixels + pixel) * channels + $0 }
        }
        let mean = places.reduce(0) { $0 + i.x[$1] } / n
        let variance = places.reduce(0) { $0 + (i.x[$1] - mean) * (i.x[$1] - mean) } / n
        let rstd = 1 / (variance + 1e-5).squareRoot()
        means.append(mean)
        statistics.append(self.variance ? variance : rstd)
        for at in places {
          let c = at % channels
          var value = (i.x[at] - mean) * rstd * (affine ? i.w[c] : 1) + (affine ? i.b[c] : 0)
          value += residual ? i.r[at] : 0
          if activation == APUS_NORM_RELU { value = max(0, value) }
          if activation == APUS_NORM_SILU { value /= 1 + exp(-value) }
          y[at] = value
        }
      }
    }
    return (y, means, statistics)
  }
}

@Suite struct ChannelNormKernelTests {
  @Test("Channels are normalised as in float64", arguments: ChannelNormCase.all, instructionSets)
  func forward(norm: ChannelNormCase, set: String) {
    var numbers = Numbers(seed: 31)
    let inputs = norm.inputs(&numbers)
    let wide = inputs.map { Double($0) }
    let expected = norm.naive(wide)
    let double = norm.forward(wide, APUS_FLOAT64, on: set)
    let single = norm.forward(inputs, APUS_FLOAT32, on: set)
    #expect(agree(double.y, expected.y, 1e-11))
    #expect(
      agree(double.mean, expected.mean, 1e-12) && agree(double.statistic, expected.statistic, 1e-11)
    )
    // One value alone has rstd 316.
    let scale = norm.variance ? 1 : max(1, expected.statistic.max() ?? 1)
    #expect(agree(single.y, expected.y, 3e-6 * scale))
    #expect(
      agree(single.mean, expected.mean, 1e-6) && agree(single.statistic, expected.statistic, 2e-6))
  }

  @Test(
    "Gradients are central differences",
    arguments: ChannelNormCase.all.filter { $0.images * $0.pixels < 2000 })
  func differences(norm: ChannelNormCase) {
    var numbers = Numbers(seed: 32)
    var inputs = norm.inputs(&numbers).map { Double($0) }
    let dy = numbers.reals(inputs.x.count)
    let forward = norm.naive(inputs)
    let gradient = norm.backward(dy, inputs, forward.mean, forward.statistic, APUS_FLOAT64)
    func check(_ path: WritableKeyPath<ChannelNormCase.Inputs<Double>, [Double]>, _ exists: Bool) {
      guard exists, !inputs[keyPath: path].isEmpty, !dy.isEmpty else { return }
      for _ in 0..<4 {
        let i = numbers.below(inputs[keyPath: path].count)
        let value = inputs[keyPath: path][i]
        func loss(_ step: Double) -> Double {
          inputs[keyPath: path][i] = value + step
          return zip(norm.naive(inputs).y, dy).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let step = 1e-6
        let slope = (loss(step) - loss(-step)) / (2 * step)
        inputs[keyPath: path][i] = value
        #expect(abs(slope - gradient[keyPath: path][i]) <= 1e-5 * max(1, abs(slope)))
      }
    }
    check(\.x, norm.images * norm.pixels > 1)
    check(\.w, norm.affine)
    check(\.b, norm.affine)
    check(\.r, norm.residual)
  }

  @Test(
    "Gradients in float32 agree with those in float64", arguments: ChannelNormCase.all,
    instructionSets)
  func narrowGradients(norm: ChannelNormCase, set: String) {
    var numbers = Numbers(seed: 33)
    let inputs = norm.inputs(&numbers)
    let wide = inputs.map { Double($0) }
    let dy = numbers.floats(inputs.x.count)
    let forward = norm.naive(wide)
    let expected = norm.backward(
      dy.map { Double($0) }, wide, forward.mean, forward.statistic, APUS_FLOAT64, on: set)
    let gradient = norm.backward(
      dy, inputs, forward.mean.map { Float($0) }, forward.statistic.map { Float($0) }, APUS_FLOAT32,
      on: set)
    let scale = norm.variance ? 316 : max(1, forward.statistic.max() ?? 1)
    // A value within rounding of 0 may fall on the other side of the ReLU.
    let flips = norm.activation == APUS_NORM_RELU ? 2 : 0
    let wrong = zip(gradient.x, expected.x).count {
      abs(Double($0) - $1) > 3e-6 * scale * max(1, abs($1))
    }
    #expect(wrong <= flips)
    if norm.affine {
      let tolerance = (norm.activation == APUS_NORM_RELU ? 1e-3 : 5e-5) * scale
      #expect(agree(gradient.w, expected.w, tolerance) && agree(gradient.b, expected.b, tolerance))
    }
  }

  @Test("Groups that do not divide the channels are refused")
  func refusal() {
    var norm = ChannelNormCase(images: 1, pixels: 2, channels: 6, groups: 4).description(
      APUS_FLOAT32)
    #expect(!run([]) { unsafe apus_channel_norm_prepare(&norm, $0.pointer) })
    #expect(!run([]) { unsafe apus_channel_norm_gradient_prepare(&norm, $0.pointer) })
  }
}

import Foundation
import Images
import Reports

/// Numbers that look random and are the same at every call.
struct Noise {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  /// From 0 to 1.
  mutating func uniform() -> Double {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Double(state >> 11) / 9_007_199_254_740_992
  }

  mutating func gaussian() -> Double {
    (-2 * log(max(uniform(), 1e-12))).squareRoot() * cos(2 * .pi * uniform())
  }
}

extension SampleGallery {
  /// A blob with a bite and a stripe, as grey levels with noise.
  static func picture(_ random: inout Noise, noise: Double, side: Int = 28) -> Picture {
    let centre = (0..<4).map { _ in random.uniform() }
    let lobes = Double(2 + Int(random.uniform() * 4))
    var pixels: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        let (u, v) = (Double(x) / Double(side) - 0.5, Double(y) / Double(side) - 0.5)
        let radius = (u * u + v * v).squareRoot()
        let edge = 0.28 + 0.1 * cos(lobes * atan2(v, u) + 6 * centre[0]) + 0.1 * centre[1]
        let level = 230 / (1 + exp(40 * (radius - edge)))
        let stripe = 1 - 0.5 * centre[2] * (sin(20 * v + 9 * centre[3]) > 0 ? 1 : 0)
        // Little noise leaves the ground black, as in pictures of things.
        let isGround = level < 12 && noise < 50
        let value = isGround ? 0 : level * stripe + noise * random.gaussian()
        pixels.append(UInt8(max(0, min(255, value))))
      }
    }
    return encode(pixels, side: side)
  }

  static func encode(_ pixels: [UInt8], side: Int) -> Picture {
    let image = Image(width: side, height: side, channels: 1, pixels: pixels)
    return Picture(png: (try? image.pngData()) ?? [], width: side, height: side)
  }

  static func pictures(_ count: Int, noise: Double, seed: UInt64, side: Int = 28) -> [Picture] {
    var random = Noise(seed: seed)
    return (0..<count).map { _ in picture(&random, noise: noise, side: side) }
  }

  static func grid(
    _ count: Int, noise: Double, seed: UInt64, step: Int? = nil, note: String = ""
  ) -> PictureGrid {
    PictureGrid(
      pictures: pictures(count, noise: noise, seed: seed), subject: "generated invented shapes",
      seed: 1, step: step, note: note)
  }

  static func strip() -> DenoisingStrip {
    let times = [1000, 850, 700, 550, 400, 250, 100, 0]
    func row(_ noise: (Double) -> Double) -> [Picture] {
      times.map { time in
        var random = Noise(seed: 8)
        return picture(&random, noise: noise(Double(time)))
      }
    }
    return DenoisingStrip(
      times: times, states: row { $0 / 8 }, expected: row { $0 / 60 }, subject: "a lobed shape",
      samples: grid(16, noise: 1, seed: 12))
  }

  static func masked() -> PictureRows {
    PictureRows(
      rows: [
        .init(
          label: "Given: a quarter of the patches", pictures: pictures(5, noise: 60, seed: 3)),
        .init(label: "Filled in by the model", pictures: pictures(5, noise: 8, seed: 3)),
        .init(label: "Original", pictures: pictures(5, noise: 0, seed: 3)),
      ], caption: "First 5 held-out pictures, 28 × 28 shown 3×. Grey is hidden from the model.")
  }

  static func verses() -> TextSamples {
    TextSamples(
      samples: [
        .init(
          given: "And it came to pass",
          text: " in the days of the harvest, that the men of the city went up unto the well, and "
            + "they said one to another, Who hath stopped the water? And no man answered."),
        .init(
          given: "The king said",
          text: " unto the elder, Is it a small thing that thou hast brought the oxen hither by "
            + "night? And he said, My lord, the way was long."),
        .init(
          given: "Blessed is",
          text: " the hand that soweth in the morning, and the tongue that keepeth the the counsel "
            + "of the poor; for his lamp shall not be shut."),
      ], seed: 1, temperature: 0.8)
  }

  static func pluck() -> SoundSample {
    let rate = 8000
    var samples = [Float](repeating: 0, count: rate * 5 / 4)
    for (start, frequency) in [(0.0, 220.0), (0.3, 277), (0.55, 330), (0.8, 440), (1.05, 330)] {
      for index in Int(start * 8000)..<samples.count {
        let time = Double(index) / 8000 - start
        let tone = (1...6).reduce(0.0) { sum, overtone in
          sum + sin(2 * .pi * frequency * Double(overtone) * time)
            * exp(-time * 3 * Double(overtone)) / Double(overtone)
        }
        samples[index] += Float(0.3 * tone)
      }
    }
    return SoundSample(samples: samples, rate: rate, seed: 1)
  }

  static func ring() -> DensityMap {
    var random = Noise(seed: 4)
    let points = (0..<420).map { _ in
      let angle = 2 * Double.pi * random.uniform()
      let radius = 2.4 + 0.3 * random.gaussian()
      return DensityMap.Point(x: radius * cos(angle), y: radius * sin(angle) * cos(2 * angle))
    }
    let side = 120
    var density = [Float](repeating: 0, count: side * side)
    for row in 0..<side {
      for column in 0..<side {
        let x = (Double(column) + 0.5) / Double(side) * 8.4 - 4.2
        let y = 4.2 - (Double(row) + 0.5) / Double(side) * 8.4
        for point in points {
          let distance = (x - point.x) * (x - point.x) + (y - point.y) * (y - point.y)
          density[row * side + column] += Float(exp(-distance * 12) / 110)
        }
      }
    }
    return DensityMap(points: points, limit: 4.2, density: density, side: side)
  }
}

internal import Foundation

/// How a picture is resampled. All but `nearest` widen their reach when they reduce, so that every
/// pixel counts (antialiasing), with the weights and roundings of Pillow.
public enum ResizeFilter: String, CaseIterable, Sendable {
  case nearest, box, bilinear, hamming, bicubic, lanczos

  /// How far it reaches, in source pixels, when it does not reduce.
  var support: Double {
    switch self {
    case .nearest, .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
    switch self {
    case .nearest, .box:
      return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear:
      return max(0, 1 - x)
    case .hamming:
      return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * cos(.pi * x))
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    case .lanczos:
      return distance >= -3 && distance < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }
}

/// A rectangle of a picture in pixels from its upper left corner; edges may lie inside pixels.
public struct ImageRegion: Equatable, Sendable {
  public var left, top, right, bottom: Double

  public init(left: Double, top: Double, right: Double, bottom: Double) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }
}

extension Image {
  /// The picture, or a region of it, resampled to another size; equal to Pillow's `resize`, also in
  /// the rounding of 8-bit samples. Alpha is respected: colours of transparent pixels do not leak.
  /// Sizes are positive and the region lies inside the picture.
  public func resized(
    width newWidth: Int, height newHeight: Int, filter: ResizeFilter = .bicubic,
    from region: ImageRegion? = nil
  ) -> Image {
    let whole = ImageRegion(left: 0, top: 0, right: Double(width), bottom: Double(height))
    let region = region ?? whole
    Image.require(newWidth > 0 && newHeight > 0, "cannot resize to \(newWidth)x\(newHeight)")
    Image.require(
      region.left >= 0 && region.top >= 0 && region.right <= whole.right
        && region.bottom <= whole.bottom && region.left < region.right
        && region.top < region.bottom, "the region \(region) is not inside \(width)x\(height)")
    if (newWidth, newHeight) == (width, height), region == whole { return self }
    if filter == .nearest { return sampled(newWidth, newHeight, region) }
    if channels == 4 {
      return premultiplied().filtered(newWidth, newHeight, region, filter).unpremultiplied()
    }
    return filtered(newWidth, newHeight, region, filter)
  }

  private func sampled(_ newWidth: Int, _ newHeight: Int, _ region: ImageRegion) -> Image {
    func places(_ count: Int, _ start: Double, _ end: Double, _ limit: Int) -> [Int] {
      let step = (end - start) / Double(count)
      var place = start + step * 0.5
      return (0..<count).map { _ in
        defer { place += step }
        return min(Int(place), limit - 1)
      }
    }
    let columns = places(newWidth, region.left, region.right, width)
    let rows = places(newHeight, region.top, region.bottom, height)
    var samples = [UInt8]()
    samples.reserveCapacity(newWidth * newHeight * channels)
    for y in rows {
      for x in columns { samples += self[x, y] }
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: samples)
  }

  /// Two passes, each rounded to 8 bits, in Pillow's order.
  private func filtered(
    _ newWidth: Int, _ newHeight: Int, _ region: ImageRegion, _ filter: ResizeFilter
  ) -> Image {
    let across = Weights(width, region.left, region.right, newWidth, filter)
    let down = Weights(height, region.top, region.bottom, newHeight, filter)
    let moves = !across.isIdentity
    let drops = !down.isIdentity
    var image = self
    let verticalFirst =
      newHeight < height && height - newHeight > 2 * (width - newWidth)
    if drops && verticalFirst { image = image.filteredDown(down) }
    if moves { image = image.filteredAcross(across) }
    if drops && !verticalFirst { image = image.filteredDown(down) }
    return image
  }

  private func filteredAcross(_ weights: Weights) -> Image {
    let newWidth = weights.starts.count
    var result = [UInt8](repeating: 0, count: newWidth * height * channels)
    for y in 0..<height {
      let row = y * width * channels
      for x in 0..<newWidth {
        let taps = weights.taps[x]
        let source = row + weights.starts[x] * channels
        let target = (y * newWidth + x) * channels
        for c in 0..<channels {
          var sum = Weights.half
          var place = source + c
          for tap in taps {
            sum &+= Int(pixels[place]) &* tap
            place &+= channels
          }
          result[target + c] = Weights.clipped(sum)
        }
      }
    }
    return Image(width: newWidth, height: height, channels: channels, pixels: result)
  }

  private func filteredDown(_ weights: Weights) -> Image {
    let newHeight = weights.starts.count
    let row = width * channels
    var result = [UInt8](repeating: 0, count: row * newHeight)
    var sums = [Int](repeating: 0, count: row)
    for y in 0..<newHeight {
      for x in 0..<row { sums[x] = Weights.half }
      for (offset, tap) in weights.taps[y].enumerated() {
        let source = (weights.starts[y] + offset) * row
        for x in 0..<row { sums[x] &+= Int(pixels[source + x]) &* tap }
      }
      for x in 0..<row { result[y * row + x] = Weights.clipped(sums[x]) }
    }
    return Image(width: width, height: newHeight, channels: channels, pixels: result)
  }

  private func premultiplied() -> Image {
    mappingColors { color, alpha in
      let product = color * alpha + 128
      return ((product >> 8) + product) >> 8
    }
  }

  private func unpremultiplied() -> Image {
    mappingColors { color, alpha in
      alpha == 0 || alpha == 255 ? color : min(255, 255 * color / alpha)
    }
  }

  private func mappingColors(_ change: (_ color: Int, _ alpha: Int) -> Int) -> Image {
    var image = self
    for pixel in stride(from: 0, to: pixels.count, by: 4) {
      let alpha = Int(pixels[pixel + 3])
      for c in pixel..<pixel + 3 { image.pixels[c] = UInt8(change(Int(pixels[c]), alpha)) }
    }
    return image
  }
}

/// What each sample of a line of the result is made of: taps in units of 2^-22.
private struct Weights {
  /// Half a unit of the result, so that the shift rounds.
  static let half = 1 << 21

  let starts: [Int]
  let taps: [[Int]]
  /// Whether the line stays as it is, so that the pass is left out.
  let isIdentity: Bool

  init(_ count: Int, _ from: Double, _ to: Double, _ newCount: Int, _ filter: ResizeFilter) {
    let scale = (to - from) / Double(newCount)
    let reach = max(scale, 1)
    let support = filter.support * reach
    var starts: [Int] = []
    var taps: [[Int]] = []
    for i in 0..<newCount {
      let center = from + (Double(i) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let end = min(count, Int(center + support + 0.5))
      let weights = (first..<max(first, end)).map {
        filter.weight((Double($0) - center + 0.5) * (1 / reach))
      }
      let total = weights.reduce(0, +)
      starts.append(first)
      taps.append(
        weights.map {
          let unit = (total == 0 ? $0 : $0 / total) * Double(1 << 22)
          return Int(unit < 0 ? unit - 0.5 : unit + 0.5)
        })
    }
    self.starts = starts
    self.taps = taps
    isIdentity = newCount == count && from == 0 && to == Double(newCount)
  }

  static func clipped(_ sum: Int) -> UInt8 { UInt8(clamping: sum >> 22) }
}

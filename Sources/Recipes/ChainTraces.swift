internal import Images
internal import Reports
internal import Samplers
internal import Tensors

/// Numbers of Markov chains as they move, for figures and metrics.
struct ChainTraces {
  /// [moves, chains].
  let numbers: Tensor

  /// Whether the chains agree, and what they are worth.
  func metrics(_ name: String) -> [Metric] {
    let diagnostics = ChainDiagnostics(numbers)
    let share = diagnostics.effectiveSize / Double(numbers.count)
    return [
      Metric(
        name: "R-hat", value: diagnostics.rHat, unit: "", kind: .estimate,
        note: "of \(name); near 1 where chains agree"),
      Metric(
        name: "effective share", value: 100 * share, unit: "%", kind: .estimate,
        note: "independent draws that 100 states are worth, by \(name)"),
    ]
  }

  /// Each chain's numbers from left to right, dark on white, one picture a chain; all on one scale.
  func pictures(_ count: Int, width: Int = 256, height: Int = 96) -> [Picture] {
    let (moves, chains) = (numbers.shape[0], numbers.shape[1])
    let all = numbers.transposed().doubles()
    let finite = all.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max(), moves > 0 else { return [] }
    let reach = max(high - low, 1e-12)
    return (0..<min(count, chains)).compactMap { chain in
      var pixels = [UInt8](repeating: 255, count: width * height)
      var last: Int?
      for column in 0..<width {
        let value = all[chain * moves + column * moves / width]
        guard value.isFinite else { continue }
        let row = Int((Double(height - 1) * (high - value) / reach).rounded())
        // From where the line stood to where it stands: no gaps.
        for y in min(row, last ?? row)...max(row, last ?? row) { pixels[y * width + column] = 40 }
        last = row
      }
      let image = Image(width: width, height: height, channels: 1, pixels: pixels)
      return (try? image.pngData()).map { Picture(png: $0, width: width, height: height) }
    }
  }
}

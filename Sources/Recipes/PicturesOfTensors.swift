internal import Images
internal import Reports
internal import Tensors

extension Tensor {
  /// Levels 0 … 1, [count, height, width, channels], as pictures; levels out of range are cut.
  func pictures() -> [Picture] {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let bytes = (clipped(to: 0...1) * 255).rounded().cast(to: .uint8).bytes()
    let size = height * width * channels
    return (0..<shape[0]).compactMap { i in
      let image = Image(
        width: width, height: height, channels: channels,
        pixels: Array(bytes[i * size..<(i + 1) * size]))
      return (try? image.pngData()).map { Picture(png: $0, width: width, height: height) }
    }
  }
}

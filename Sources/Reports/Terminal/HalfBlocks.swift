public import Images

/// A picture in a terminal: half blocks `▀`, two pixels a character.
public enum HalfBlocks {
  /// The picture as lines of colour, or nothing where the terminal does not announce 24-bit
  /// colour, cannot redraw (a pipe) or is narrower than the picture.
  public static func text(_ image: Image, on terminal: Terminal, width: Int) -> String? {
    guard terminal.trueColor, terminal.redraws, terminal.unicode, image.width < width else {
      return nil
    }
    return stride(from: 0, to: image.height, by: 2).map { row in
      let cells = (0..<image.width).map { column in
        let upper = "\u{1B}[38;2;\(color(image[column, row]))"
        let lower =
          row + 1 < image.height ? ";48;2;\(color(image[column, row + 1]))m" : "m"
        return upper + lower + "▀"
      }
      return cells.joined() + "\u{1B}[0m"
    }.joined(separator: "\n")
  }

  /// Red, green and blue; a transparent pixel on black.
  private static func color(_ pixel: ArraySlice<UInt8>) -> String {
    let samples = pixel.map { Int($0) }
    let alpha = samples.count == 4 ? samples[3] : 255
    let color = samples.count < 3 ? [samples[0], samples[0], samples[0]] : Array(samples.prefix(3))
    return color.map { String($0 * alpha / 255) }.joined(separator: ";")
  }
}

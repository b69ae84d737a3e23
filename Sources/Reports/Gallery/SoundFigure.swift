import Foundation

/// A sound as waveform, spectrogram and player on one axis of time.
struct SoundFigure {
  let sound: SoundSample
  let caption: String

  private static let window = 256
  private static let bands = 72

  var markup: HTML {
    let gap = Wording.gap
    let seconds = Double(sound.samples.count) / Double(sound.rate)
    let length = coordinate(seconds, digits: 2)
    let top = Double(SoundFigure.bands * sound.rate) / Double(SoundFigure.window) / 1000
    let times = (0..<5).map { place -> HTML in
      let text = coordinate(seconds * Double(place) / 4, digits: 2)
      return "<span>\(place == 4 ? text + gap + "s" : text)</span>"
    }
    return """
      <figure class="fig"><div class="wave"><div class="yl" aria-hidden="true"><span>1</span>\
      <span>0</span><span>−1</span></div>
      <svg role="img" aria-label="Waveform of \(length) seconds"><line class="grid" x1="0" \
      x2="100%" y1="50%" y2="50%"/><svg viewBox="0 0 100 100" preserveAspectRatio="none" \
      width="100%" height="100%"><path d="\(SoundFigure.envelope(sound, columns: 230))" \
      fill="var(--accent)"/></svg></svg>
      <div class="xx" aria-hidden="true"><span>\(gap)</span></div><div class="yl" \
      aria-hidden="true"><span>\(fixed(top, digits: 1))\(gap)kHz</span><span>0</span></div>\
      <img class="sp" src="\(spectrogram)" alt="Spectrogram of the same sound"/>
      <div class="xx" aria-hidden="true">\(times.joined())</div></div>
      <audio controls="" preload="metadata" aria-label="Play the sample of \(length) seconds" \
      src="\(dataURI(wave, type: "audio/wav"))"></audio>
      <figcaption>\(caption)</figcaption></figure>
      """
  }

  /// The outline of a sound: the largest and the smallest value of each column.
  static func envelope(_ sound: SoundSample, columns: Int) -> HTML {
    let count = sound.samples.count
    let columns = min(columns, count)
    guard columns > 1 else { return "M0 50H100" }
    var (upper, lower): ([HTML], [HTML]) = ([], [])
    for column in 0..<columns {
      let part = sound.samples[column * count / columns..<(column + 1) * count / columns]
      let across = 100 * Double(column) / Double(columns - 1)
      func point(_ level: UInt8?) -> HTML {
        "\(across, digits: 1) \(50 - 49 * (Double(level ?? 128) - 128) / 128, digits: 1)"
      }
      upper.append(point(part.max()))
      lower.append(point(part.min()))
    }
    return "M\((upper + lower.reversed()).joined("L"))Z"
  }

  /// The file that the player plays: RIFF, 8 bits, one channel.
  private var wave: [UInt8] {
    func four(_ number: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    func two(_ number: Int) -> [UInt8] { Array(four(number).prefix(2)) }
    let count = sound.samples.count
    let format = two(1) + two(1) + four(sound.rate) + four(sound.rate) + two(1) + two(8)
    return Array("RIFF".utf8) + four(36 + count) + Array("WAVEfmt ".utf8) + four(16) + format
      + Array("data".utf8) + four(count) + sound.samples
  }

  private var spectrogram: String {
    let (levels, width) = SoundFigure.spectrogram(of: sound)
    return PlotPicture.dataURI(levels: levels, width: width)
  }

  /// The power of the low frequencies over time in rows from the highest one, 255 for the most.
  static func spectrogram(of sound: SoundSample) -> (levels: [UInt8], width: Int) {
    let frames = power(of: sound.samples)
    guard let first = frames.first else { return ([0], 1) }
    let sorted = frames.joined().sorted()
    let low = sorted[sorted.count / 4]
    let high = max(low + 1e-6, sorted[min(sorted.count - 1, sorted.count * 997 / 1000)])
    var levels: [UInt8] = []
    for band in first.indices.reversed() {
      for frame in frames {
        let share = max(0, min(1, (frame[band] - low) / (high - low)))
        levels.append(UInt8((255 * Float(pow(Double(share), 1.3))).rounded()))
      }
    }
    return (levels, frames.count)
  }

  /// The logarithm of the magnitude of the frequencies 1 to `bands` (the lowest left out) of at
  /// most 240 windows.
  private static func power(of samples: [UInt8]) -> [[Float]] {
    guard samples.count >= window else { return [] }
    let hop = max(64, (samples.count - window) / 239)
    let turn = (0..<window).map { 2 * Double.pi * Double($0) / Double(window) }
    let cosines = turn.map { Float(cos($0)) }
    let sines = turn.map { Float(sin($0)) }
    return stride(from: 0, through: samples.count - window, by: hop).map { start in
      let windowed = (0..<window).map { place in
        (Float(samples[start + place]) - 128) / 128 * (0.5 - 0.5 * cosines[place])
      }
      return (2..<bands + 2).map { band in
        var (real, imaginary): (Float, Float) = (0, 0)
        for place in 0..<window {
          real += windowed[place] * cosines[(place * band) % window]
          imaginary += windowed[place] * sines[(place * band) % window]
        }
        return Float(log(Double((real * real + imaginary * imaginary).squareRoot() + 1e-3)))
      }
    }
  }
}

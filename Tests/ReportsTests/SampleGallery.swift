import Foundation
import Images
import Reports

/// A gallery of invented methods and numbers, the same at every call.
enum SampleGallery {
  /// Nine methods of eight families, one of them failed, as a usual page shows them.
  static func report() -> GalleryReport {
    GalleryReport(
      version: "0.0.0 (invented)", seed: 1, date: 1_795_506_600,
      machine: ["2 cores, AVX2", "float32"],
      command: "apus gallery --minutes 9 --seed 1 --out gallery", seconds: 490, secondsEach: 60,
      groups: [
        DataGroup(
          id: "shapes", name: "Invented shapes", unit: "bits per dimension", note: "8-bit pixels",
          references: [.init(name: "xz -9", value: 3.87, note: "the test pictures compressed")]),
        DataGroup(
          id: "verses", name: "Invented verses", unit: "bits per byte",
          references: [.init(name: "xz -9", value: 2.31, note: "the same verses compressed")]),
        DataGroup(
          id: "tones", name: "Tones", unit: "bits per sample", note: "8-bit µ-law",
          references: [.init(name: "xz -9", value: 4.12, note: "the same clips compressed")]),
      ],
      methods: methods(), sources: "Data: shapes, verses, tones and points made by formula.",
      location: "gallery/gallery.json")
  }

  /// One method more in every state that a method can be in, and hostile names.
  static func states() -> GalleryReport {
    var report = report()
    report.methods += [running(), interrupted(), notReached(), foreign(), classifier(), hostile()]
    return report
  }

  /// So many methods, made of the usual ones.
  static func report(methods count: Int) -> GalleryReport {
    var report = report()
    let usual = report.methods
    report.methods = (0..<count).map { place in
      var method = usual[place % usual.count]
      if place >= usual.count { method.recipe += "-\(place / usual.count + 1)" }
      return method
    }
    return report
  }

  private static func methods() -> [MethodReport] {
    [
      method(
        "gpt-text", "GPT", "Transformers",
        "Reads a text from left to right and says, before each token, how likely every possible "
          + "next token is.",
        "log p(x); = ∑_t log p(x_t | x_1, …, x_{t−1})", bits(1.94, "bits/byte", "verses"),
        [.texts(verses())]),
      method(
        "wavenet-tones", "WaveNet", "Autoregressive",
        "Predicts each sample of a sound from the thousand before it, through convolutions whose "
          + "gaps double from layer to layer.",
        "p(x) = ∏_t p(x_t | x_{t−R}, …, x_{t−1})", bits(2.71, "bits/sample", "tones"),
        [.sound(pluck())]),
      method(
        "pixelcnn-shapes", "PixelCNN", "Autoregressive",
        "Paints a picture pixel by pixel, each one chosen with regard to all pixels above it and "
          + "to its left.",
        "p(x) = ∏_i p(x_i | x_1, …, x_{i−1})", bits(2.88, "bits/dim", "shapes"),
        [.pictures(grid(40, noise: 2, seed: 1))]),
      method(
        "vae-shapes", "Variational autoencoder", "Variational autoencoders",
        "Squeezes a picture into a few numbers with a little noise, and learns to paint it again "
          + "from those numbers alone.",
        "log p(x); ≥ E_{q(z|x)}[log p(x|z)]; − KL(q(z|x) ‖ p(z))",
        bits(3.42, "bits/dim", "shapes", .upperBound),
        [.pictures(grid(24, noise: 0, seed: 2))]),
      method(
        "realnvp-2d", "RealNVP", "Flows",
        "Bends a round cloud of points, step by reversible step, until it has the shape of the "
          + "data.",
        "log p(x); = log p_z(f(x)); + log | det frac{∂f}{∂x} |",
        Metric(
          name: "nats per point", value: 2.47, unit: "nats/point", kind: .exact,
          note: "5,000 fresh points"), [.density(ring())]),
      method(
        "ebm-shapes", "Energy model", "Energy models",
        "Gives every picture a height; samples are balls that roll, shaken a little, into the "
          + "valleys where shapes lie.",
        "p(x) = e^{−E(x)} / Z; x ← x − frac{η}{2} ∇E(x) + sqrt{η} ε",
        bits(3.9, "bits/dim", "shapes", .estimate, error: 0.35),
        [.pictures(grid(24, noise: 1, seed: 3, note: "200 Langevin steps"))]),
      failed(),
      method(
        "ddpm-shapes", "Denoising diffusion", "Diffusion",
        "Learns to take a little noise out of a picture; beginning with nothing but noise, many "
          + "such steps make a new picture.",
        "L = E_{x,ε,t} {‖ε − ε_θ(x_t, t)‖}^2",
        bits(3.13, "bits/dim", "shapes", .upperBound), [.denoising(strip())]),
      method(
        "mae-shapes", "Masked autoencoder", "Vision Transformers",
        "Sees a quarter of a picture’s patches and fills in the rest; what it learns on the way "
          + "serves other tasks.",
        "L = frac{1}{|M|} ∑_{i∈M} {‖x_i − hat{x}‖}^2",
        Metric(
          name: "mean square error: no likelihood", value: 0.031, unit: "mean square",
          kind: .score, note: "82.4% right with a linear probe"), [.rows(masked())]),
    ]
  }

  static func method(
    _ recipe: String, _ title: String, _ family: String, _ idea: String, _ formula: String,
    _ metric: Metric?, _ figures: [Figure]
  ) -> MethodReport {
    MethodReport(
      recipe: recipe, title: title, family: family, idea: idea, formula: formula,
      status: .trained, seconds: 60, steps: 3000, peakBytes: 240_000_000, parameters: 1_100_000,
      fileBytes: 4_400_000, metric: metric,
      curves: [curve("Loss", end: metric?.value ?? 1, unit: metric?.name ?? "nats")],
      figures: figures, command: "apus train \(recipe) --steps 3000 --seed 1",
      artifacts: ["runs/\(recipe)/samples/step-003000.png"])
  }

  private static func bits(
    _ value: Double, _ unit: String, _ group: String, _ kind: Metric.Kind = .exact,
    error: Double? = nil
  ) -> Metric {
    let names = [
      "bits/dim": "bits per dimension", "bits/byte": "bits per byte",
      "bits/sample": "bits per sample",
    ]
    return Metric(
      name: names[unit] ?? unit, value: value, unit: unit, kind: kind, error: error, group: group,
      note: "10,000 invented items")
  }

  /// A curve that falls to `end`, or that ends in a value that is no number.
  static func curve(
    _ title: String, end: Double, unit: String, failsAt: Int? = nil, resumedAt: [Int] = []
  ) -> LearningCurve {
    var noise = Noise(seed: 7)
    let last = failsAt ?? 3000
    func value(_ step: Int) -> Double {
      end * (1 + 1.4 * exp(-6.5 * pow(Double(step) / 3000, 0.55)))
    }
    let training = stride(from: 1, through: last, by: 2).map { step in
      let rise = failsAt.map { pow(max(0, Double(step - $0 + 90) / 90), 3) } ?? 0
      return LearningCurve.Point(
        step: step, value: value(step) * (0.98 + 0.03 * noise.gaussian()) + end * rise)
    }
    let heldOut = stride(from: 150, through: last, by: 150).map {
      LearningCurve.Point(step: $0, value: value($0) * 1.02)
    }
    return LearningCurve(
      title: title, unit: unit, training: training, heldOut: heldOut, plannedSteps: 3000,
      resumedAt: resumedAt, failure: failsAt.map { .init(step: $0 + 1, reason: "not a number") })
  }
}

import Reports

extension SampleGallery {
  static func failed() -> MethodReport {
    var method = method(
      "gan-shapes", "DCGAN", "Adversarial",
      "A painter and a critic train each other: one makes pictures, the other tells them from "
        + "real ones.",
      "min_G max_D E[log D(x)]; + E[log(1 − D(G(z)))]", nil,
      [.pictures(grid(24, noise: 2, seed: 5, step: 1000))])
    method.status = .failed
    method.seconds = 24
    method.steps = nil
    method.failure = .init(
      short: "not a number at step 1,204", step: 1204,
      what: "The loss was not a number at step 1,204",
      why: "The critic had won (98% right since step 900) and its gradient overflowed",
      kept: "Nothing after step 1,000 is kept", remedy: "A smaller learning rate usually helps",
      attempt: "--set learning_rate=1e-4")
    method.curves = [
      curve("Critic’s loss", end: 0.3, unit: "nats", failsAt: 1203),
      curve("Generator’s loss", end: 1.3, unit: "nats", failsAt: 1203),
    ]
    method.command += " --set learning_rate=1e-4"
    return method
  }

  static func running() -> MethodReport {
    var method = method(
      "vae-running", "Variational autoencoder, running", "Variational autoencoders",
      "Squeezes a picture into a few numbers with a little noise.", "z = μ + σ ε",
      Metric(
        name: "bits per dimension", value: 3.61, unit: "bits/dim", kind: .upperBound,
        note: "at step 3,400"), [.pictures(grid(16, noise: 8, seed: 6, step: 3000))])
    method.status = .running
    method.progress = .init(
      step: 3480, steps: 6000, secondsLeft: 24, stepsPerSecond: 103, learningRate: 8.2e-4)
    method.curves = [curve("Negative bound", end: 3.6, unit: "bits per dimension")]
    method.curves[0].plannedSteps = 6000
    method.curves[0].resumedAt = [1500]
    return method
  }

  static func interrupted() -> MethodReport {
    var method = method(
      "realnvp-stopped", "RealNVP, stopped", "Flows", "Bends a round cloud of points.", "x = f(z)",
      nil, [.nothing("No samples yet: the first are drawn at step 2,500.")])
    method.status = .interrupted
    method.failure = .init(
      short: "stopped at step 2,210", what: "Stopped by Ctrl-C at step 2,210 of 8,000",
      kept: "The checkpoint is kept and goes on exactly where it stopped")
    method.curves = []
    method.command = "apus train --resume runs/realnvp-2d"
    return method
  }

  static func notReached() -> MethodReport {
    MethodReport(
      recipe: "late", title: "The last one", family: "Flows", idea: "Comes when time is over.",
      status: .notRun,
      failure: .init(
        short: "not reached", what: "Not reached: 8 min used up by the others",
        kept: "A longer budget reaches it", attempt: "--minutes 10"),
      command: "apus gallery --only late --seed 1")
  }

  static func foreign() -> MethodReport {
    let samples: [TextSamples.Sample] = [
      .init(text: "春はあけぼの。やうやう白くなりゆく山ぎは、すこしあかりて。", language: "ja"),
      .init(text: "في البدء كان الكلام، وكان النور يضيء في الظلمة على الماء.", language: "ar"),
      .init(text: String(repeating: "unbroken", count: 12)),
      .init(bytes: [0x62, 0xE2, 0x82, 0x63, 0x1B]),
      .init(given: "Two\n", text: "lines"),
    ]
    return method(
      "multilingual-text",
      "A recipe with a very long name: byte-level Transformer with rotary positions",
      "Transformers", "Text of any script keeps its own direction.", "", nil,
      [.texts(TextSamples(samples: samples, seed: 1, temperature: 0.8))])
  }

  static func classifier() -> MethodReport {
    let names = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Bag"]
    let counts = names.indices.map { row in
      names.indices.map { column in
        row == column ? 88 - 3 * row : (row * 5 + column * 3) % 7 == 0 ? 4 + row : 0
      }
    }
    return method(
      "vit-shapes", "Vision Transformer", "Vision Transformers", "Names what a picture shows.", "",
      Metric(
        name: "Accuracy", value: 82.4, unit: "%", kind: .score, error: 0.7,
        note: "800 test pictures"),
      [
        .confusion(ConfusionMatrix(classes: names, counts: counts)),
        .classes(
          PictureClasses(
            columns: names.map { .init(name: $0, pictures: pictures(4, noise: 8, seed: 9)) },
            seed: 1)),
        .rows(
          PictureRows(
            rows: [.init(label: "Between two", pictures: pictures(8, noise: 2, seed: 4))],
            framesEnds: true, caption: "From one given picture to another.")),
      ])
  }

  /// Names that would break a page which does not escape them.
  static func hostile() -> MethodReport {
    let name = "<script>\"&'</script>"
    return method(
      name, name + " שלום \u{202E}", "Family <b> & 'co'",
      "An idea of </p><script>alert(1)</script>",
      "x < y & </math>", nil,
      [.texts(TextSamples(samples: [.init(given: name, text: "</li>\u{0}")]))])
  }
}

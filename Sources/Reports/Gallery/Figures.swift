/// The figure of a card: what the model made, and a caption that says what, how many, which seed,
/// which scale.
struct Figures {
  let method: MethodReport
  /// Every grid shows one sample of `thinning`: 1, or a power of two when the page grew too large.
  let thinning: Int

  var markup: HTML {
    let shown = method.figures.isEmpty ? [Figure.nothing(emptyNote)] : method.figures
    let figures = shown.map(markup(of:)).joined()
    return shown.count == 1 ? figures : "<div>\(figures)</div>"
  }

  private var emptyNote: String {
    switch method.status {
    case .notRun: "No samples: the method was not reached."
    case .running: "No samples yet."
    case .failed, .interrupted: "No samples: none had been drawn before the end."
    case .trained: "This method draws no samples."
    }
  }

  private func markup(of figure: Figure) -> HTML {
    switch figure {
    case .pictures(let grid): framed(pictures(grid), caption(of: grid))
    case .rows(let rows): framed(self.rows(rows), rows.caption)
    case .classes(let classes): self.classes(classes)
    case .denoising(let strip): denoising(strip)
    case .texts(let texts): self.texts(texts)
    case .sound(let sound): SoundFigure(sound: sound, caption: caption(of: sound)).markup
    case .density(let map): density(map)
    case .confusion(let matrix): confusion(matrix)
    case .translations(let table): translations(table)
    case .alignment(let map): alignment(map)
    case .nothing(let note): "<div class=\"fig\"><div class=\"empty\">\(note)</div></div>"
    }
  }

  func framed(_ body: HTML, _ caption: String) -> HTML {
    let text: HTML = caption.isEmpty ? "" : "<figcaption>\(caption)</figcaption>"
    return "<figure class=\"fig\">\(body)\(text)</figure>"
  }

  // MARK: - Pictures

  private func thinned(_ pictures: [Picture]) -> [Picture] {
    guard thinning > 1, !pictures.isEmpty else { return pictures }
    return Array(pictures.prefix(max(1, pictures.count / thinning)))
  }

  private func pictures(_ grid: PictureGrid) -> HTML {
    let shown = thinned(grid.pictures)
    return cells(shown, label: "\(shown.count) \(grid.subject)")
  }

  private func cells(_ pictures: [Picture], label: String, fixedRow: Bool = false) -> HTML {
    guard let first = pictures.first else { return "<div class=\"empty\">No pictures.</div>" }
    let zoom = fixedRow && pictures.count <= 5 && first.width == 28 ? 3 : Zoom.of(first)
    let width = first.width * zoom
    let images = pictures.map { image($0, zoom: zoom) }.joined()
    if fixedRow, pictures.count <= 5, width <= 84 {
      return "<div class=\"g five\" role=\"img\" aria-label=\"\(label)\">\(images)</div>"
    }
    guard width == 56, !fixedRow else {
      return """
        <div class="g any" style="--w:\(width)px" role="img" aria-label="\(label)">\
        \(images)</div>
        """
    }
    let kind: HTML = pictures.count == 40 ? "ten" : "four"
    return "<div class=\"g \(kind)\" role=\"img\" aria-label=\"\(label)\">\(images)</div>"
  }

  private func image(_ picture: Picture, zoom: Int, name: HTML = "") -> HTML {
    """
    <img\(name) src="\(dataURI(picture.png, type: "image/png"))" \
    width="\(picture.width * zoom)" height="\(picture.height * zoom)" alt=""/>
    """
  }

  private func rows(_ figure: PictureRows) -> HTML {
    figure.rows.map { row -> HTML in
      guard figure.framesEnds, row.pictures.count > 2 else {
        return "<div class=\"rowlab\">\(row.label)</div>"
          + cells(row.pictures, label: row.label, fixedRow: true)
      }
      let last = row.pictures.count - 1
      let zoom = row.pictures.count > 8 ? 1 : Zoom.of(row.pictures[0])
      let images = row.pictures.enumerated().map { place, picture in
        image(picture, zoom: zoom, name: place == 0 || place == last ? #" class="end""# : "")
      }
      return """
        <div class="rowlab">\(row.label)</div><div class="g all" \
        style="--n:\(row.pictures.count)" tabindex="0" role="img" aria-label="\(row.label)">\
        \(images.joined())</div>
        """
    }.joined()
  }

  private func classes(_ figure: PictureClasses) -> HTML {
    let height = figure.columns.map(\.pictures.count).max() ?? 0
    let zoom = figure.columns.count > 8 ? 1 : figure.columns.first?.pictures.first.map(Zoom.of) ?? 1
    let names = figure.columns.map { column -> HTML in
      "<span class=\"l\">\(column.name)</span>"
    }
    let images = (0..<height).map { row in
      figure.columns.map { column in
        column.pictures.indices.contains(row)
          ? image(column.pictures[row], zoom: zoom) : "<span></span>"
      }.joined()
    }
    let label =
      "\(height) pictures of each of: " + figure.columns.map(\.name).joined(separator: ", ")
    let caption = sentences([
      "First \(height) of each class" + seedText(figure.seed) + ", not selected", figure.note,
    ])
    return framed(
      """
      <div class="g all" style="--n:\(figure.columns.count)" tabindex="0" role="img" \
      aria-label="\(label)">\(names.joined())\(images.joined())</div>
      """, caption)
  }

  private func denoising(_ figure: DenoisingStrip) -> HTML {
    let count = min(figure.times.count, figure.states.count, figure.expected.count)
    // Three of the eight times give way on a phone.
    func optional(_ place: Int) -> HTML {
      count == 8 && [1, 3, 5].contains(place) ? " o" : ""
    }
    let times = (0..<count).map { place -> HTML in
      let time = Wording.count(figure.times[place])
      return "<span class=\"l\(optional(place))\">\(place == 0 ? "t = " + time : time)</span>"
    }
    let rows = [figure.states, figure.expected].map { pictures in
      pictures.prefix(count).enumerated().map { place, picture in
        let name: HTML = optional(place) == "" ? "" : #" class="o""#
        return image(picture, zoom: Zoom.of(picture), name: name)
      }.joined()
    }
    let label =
      "Denoising of one picture in \(count) steps: above the state of the sampler, from noise to "
      + "\(figure.subject); below the picture expected at that time"
    let first = figure.times.first.map(Wording.count) ?? ""
    let below: HTML =
      figure.samples.map { samples in
        pictures(samples) + "<figcaption>\(caption(of: samples))</figcaption>"
      } ?? ""
    return """
      <figure class="fig"><div class="g strip\(count == 8 ? "" : " all")" \
      style="--n:\(max(1, count))" role="img" aria-label="\(label)">\(times.joined())\
      \(rows.joined())</div><p class="cap gap">One picture from noise (\(first)) to the end (0). \
      Above: the sampler’s state. Below: the picture expected at that time.</p>\(below)</figure>
      """
  }

  // MARK: - Text, density, classes

  private func texts(_ figure: TextSamples) -> HTML {
    let items = figure.samples.map { sample -> HTML in
      let language: HTML = sample.language.map { " lang=\"\($0)\"" } ?? ""
      let given: HTML =
        sample.given.isEmpty ? "" : "<span class=\"given\">\(sample.given)</span>"
      return "<li dir=\"auto\"\(language)>\(given)\(sample.text)</li>"
    }
    var opening = "First \(figure.samples.count) samples" + seedText(figure.seed)
    if figure.samples.count == 1 { opening = "First sample" + seedText(figure.seed) }
    if let step = figure.step { opening += ", from step \(Wording.count(step))" }
    if let temperature = figure.temperature {
      opening += ", temperature " + Wording.significant(temperature).trimmed
    }
    let isGiven = figure.samples.contains { !$0.given.isEmpty }
    let caption = sentences([
      opening, isGiven ? "Underlined: the beginning that was given" : "", figure.note,
    ])
    return framed(
      """
      <div class="txt" role="region" tabindex="0" aria-label="\(method.title): generated texts">\
      <ol>\(items.joined())</ol></div>
      """, caption)
  }

  private func density(_ map: DensityMap) -> HTML {
    let frame: HTML = """
      <path class="grid" d="M50 0V100M0 50H100" vector-effect="non-scaling-stroke"/>
      """
    let limit = map.limit > 0 ? map.limit : 1
    let dots = map.points.filter { abs($0.x) < limit && abs($0.y) < limit }.map { point -> HTML in
      "M\(50 + 50 * point.x / limit, digits: 1) \(50 - 50 * point.y / limit, digits: 1)h0"
    }
    let picture = PlotPicture.dataURI(levels: map.levels, width: map.side)
    let edge = coordinate(limit, digits: 2)
    let peak = Wording.value(map.highest, unit: "")
    let caption = sentences([
      "Both axes from −\(edge) to \(edge)",
      "Full blue is the highest density, \(peak) per unit²", map.note,
    ])
    return framed(
      """
      <div class="two"><div><div class="rowlab">Data, \(Wording.count(map.points.count)) points\
      </div><svg viewBox="0 0 100 100" role="img" aria-label="\(Wording.count(map.points.count)) \
      data points in the plane">\(frame)<path d="\(dots.joined())" stroke="var(--ink)" \
      stroke-width="2.2" stroke-linecap="round" fill="none" opacity=".75" \
      vector-effect="non-scaling-stroke"/></svg></div>
      <div><div class="rowlab">Density learnt</div><svg viewBox="0 0 100 100" role="img" \
      aria-label="The density learnt from them, at most \(peak) per unit²">\(frame)\
      <image href="\(picture)" width="100" height="100" preserveAspectRatio="none"/></svg></div>\
      </div>
      """, caption)
  }

  private func confusion(_ matrix: ConfusionMatrix) -> HTML {
    let heads = matrix.classes.map { name -> HTML in "<th scope=\"col\">\(name)</th>" }
    let rows = zip(matrix.classes, matrix.counts).map { name, counts -> HTML in
      let all = max(1, counts.map(Double.init).reduce(0, +))
      let cells = counts.map { count -> HTML in
        guard count > 0 else { return "<td class=\"zero\">0</td>" }
        // At most 45 % of the accent under the number keeps its contrast above 4.5 in both schemes.
        let share = 45 * Double(count) / all
        return "<td style=\"--p:\(share, digits: 0)\">\(Wording.count(count))</td>"
      }
      return "<tr><th scope=\"row\">\(name)</th>\(cells.joined())</tr>"
    }
    return framed(
      """
      <div class="conf" role="region" tabindex="0" aria-label="\(method.title): classes told \
      apart"><table><thead><tr><td></td>\(heads.joined())</tr></thead>\
      <tbody>\(rows.joined())</tbody></table></div>
      """, sentences(["Rows: the true class. Columns: the model’s answer", matrix.note]))
  }

  // MARK: - Captions

  private func caption(of grid: PictureGrid) -> String {
    let shown = thinned(grid.pictures)
    let all = grid.pictures.count
    let count = shown.count < all ? "\(shown.count) of \(all)" : "\(shown.count)"
    var opening = "First \(count) samples" + seedText(grid.seed)
    if shown.count == 1 { opening = "First sample" + seedText(grid.seed) }
    if let step = grid.step {
      let from = "step \(Wording.count(step))"
      opening += method.status == .failed ? ", from \(from), the last good checkpoint" : ", \(from)"
    }
    opening += ", not selected"
    guard let first = shown.first else { return "" }
    let gap = Wording.gap
    let zoom = Zoom.of(first)
    let scale = zoom > 1 ? ", shown \(zoom)×" : ""
    return sentences([
      opening, "\(first.width)\(gap)×\(gap)\(first.height) pixels\(scale)", grid.note,
      shown.count < all ? "The others are left out to keep the page small" : "",
    ])
  }

  private func caption(of sound: SoundSample) -> String {
    let rate = Wording.significant(Double(sound.rate) / 1000).trimmed
    var opening = "First sample" + seedText(sound.seed)
    if let step = sound.step { opening += ", from step \(Wording.count(step))" }
    opening += ", mono, \(rate)\(Wording.gap)kHz: waveform, spectrogram, sound"
    return sentences([opening, sound.note])
  }

  private func seedText(_ seed: UInt64?) -> String { seed.map { ", seed \($0)" } ?? "" }

  /// Whole factors only, towards pictures of 56 px.
  private enum Zoom {
    static func of(_ picture: Picture) -> Int {
      let width = max(1, picture.width)
      return width <= 28 ? 56 / width : width <= 36 ? 2 : 1
    }
  }
}

/// Parts that are not empty as sentences, each with one full stop.
func sentences(_ parts: [String]) -> String {
  parts.filter { !$0.isEmpty }.map { part in
    part.hasSuffix(".") || part.hasSuffix("?") ? part : part + "."
  }.joined(separator: " ")
}

extension String {
  /// A decimal number without the zeros at its end.
  var trimmed: String {
    guard contains("."), !contains("×") else { return self }
    var text = self
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}

import ArgumentParser
import Datasets
import Documents
import Foundation
import Images
import Reports

struct DataShow: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows what is in a data set: counts and the first items.",
    discussion: """
      NAME is a data set of 'apus data list', a folder of pictures, or a file or folder of text. \
      Pictures are drawn in terminals that announce 24-bit colour, and written as one PNG with \
      --out.
      """)

  @Argument(help: "A data set, or a path.", completion: datasetNames)
  var name: String

  @Option(help: "How many items to show, 1 to 1000 (default: 24 pictures or 4 texts).")
  var count: Int?

  @Option(
    help: "The PNG file to draw the items into, for pictures and points.",
    completion: .file(extensions: ["png"]))
  var out: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let count, !(1...1000).contains(count) {
      throw ValidationError("--count \(count) is not between 1 and 1000")
    }
  }

  func execute(_ console: Console) throws {
    let view = try DataView.of(name, count: count)
    let sheet = view.sheet
    if let out {
      guard let sheet else {
        throw Failure(.usage, "\(name) has no pictures to draw into \(out).")
      }
      try OutputFile.write(sheet.pngData(text: ["Title": "apus data show \(name)"]), to: out)
    }
    if console.json {
      try console.result(view.json(out: out))
      return
    }
    try console.result(view.text)
    if let out {
      console.note("drawn into \(out)")
    } else if let sheet {
      let lines = console.liveLines()
      if let blocks = HalfBlocks.text(sheet, on: console.terminal, width: lines.width) {
        console.note(blocks)
      }
    }
  }
}

/// Some of the items of a data set and how many there are.
private struct DataView {
  let name: String
  let source: String
  /// The parts and their sizes, in order.
  var parts: [(name: String, count: Int)] = []
  /// What the items are, such as "pictures, 28x28x1".
  var item: String
  var classes: [(name: String, count: Int)] = []
  /// The first items in words.
  var examples: [String] = []
  /// The first items drawn.
  var pictures: [Image] = []

  /// The view of a data set or a path.
  static func of(_ name: String, count: Int?) throws -> DataView {
    if DatasetCatalog.all.contains(where: { $0.name == name }) { return try known(name, count) }
    if FileManager.default.fileExists(atPath: name) { return try path(name, count) }
    if name.contains("/") {
      throw Failure(.missing, "there is no file or folder \(name).", attempts: ["apus data list"])
    }
    throw DatasetCatalog.unknown(name)
  }

  private init(name: String, source: String, item: String) {
    (self.name, self.source, self.item) = (name, source, item)
  }

  /// One line of pictures for each row of the sheet.
  var sheet: Image? {
    let columns = pictures.count <= 4 ? pictures.count : min(12, (pictures.count + 1) / 2)
    return pictures.isEmpty ? nil : Image.grid(pictures, columns: max(1, columns), gap: 2)
  }

  // MARK: - Data sets

  private static func known(_ name: String, _ count: Int?) throws -> DataView {
    switch name {
    case "fashion-mnist":
      let data = try FashionMNIST()
      var view = DataView(name: name, source: "\(data.source)", item: "pictures, 28x28x1")
      view.parts = [("train", data.train.count), ("test", data.test.count)]
      view.add(data.train, count ?? 24)
      return view
    case "emoji":
      let data = try EmojiPictures()
      let first = data.train.prefix(count ?? 24)
      let size = first.first.map { "pictures, \($0.picture.width)x\($0.picture.height)x3" } ?? ""
      var view = DataView(name: name, source: "\(data.source)", item: size)
      view.parts = [("train", data.train.count), ("test", data.test.count)]
      view.examples = first.map { "\($0.scalar) \($0.name)" }
      view.pictures = first.map(\.picture)
      return view
    case "verses":
      let data = try Verses()
      var view = DataView(
        name: name, source: "\(data.source)", item: "verses in English and Spanish")
      view.parts = [("train", data.train.count), ("test", data.test.count)]
      view.examples = data.train.prefix(count ?? 4).map {
        "\($0.book) \($0.chapter):\($0.number)  \($0.english) | \($0.spanish)"
      }
      return view
    case "wordnet-glosses":
      let corpus = try WordNet.glosses()
      return text(name, corpus, count ?? 4)
    default:
      return toy(name, count ?? ToyDistribution.allCases.count)
    }
  }

  private static func path(_ path: String, _ count: Int?) throws -> DataView {
    var isFolder: ObjCBool = false
    _ = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if isFolder.boolValue, let pictures = try? ImageFolder.pictures(in: path, size: 64) {
      var view = DataView(name: path, source: path, item: "pictures, shown 64x64")
      view.parts = [("all", pictures.count)]
      view.add(pictures, count ?? 24)
      return view
    }
    return text(path, try TextCorpus(contentsOf: path), count ?? 4)
  }

  private static func text(_ name: String, _ corpus: TextCorpus, _ count: Int) -> DataView {
    let (train, test) = corpus.split()
    var view = DataView(name: name, source: "\(corpus.source)", item: "bytes of UTF-8 text")
    view.parts = [("train", train.bytes.count), ("test", test.bytes.count)]
    let lines = corpus.bytes.split(separator: UInt8(ascii: "\n"), maxSplits: count + 1)
    view.examples = lines.prefix(count).map {
      String(String(decoding: $0, as: UTF8.self).prefix(400))
    }
    return view
  }

  /// Each distribution of the plane as a drawing of 4,000 points.
  private static func toy(_ name: String, _ count: Int) -> DataView {
    var view = DataView(name: name, source: "known formulas", item: "points of the plane")
    for distribution in ToyDistribution.allCases.prefix(count) {
      view.examples.append(distribution.rawValue)
      view.pictures.append(scatter(distribution.sample(4000, seed: 0), size: 64))
    }
    return view
  }

  /// Points within ±4, dark on white.
  private static func scatter(_ points: [Float], size: Int) -> Image {
    var pixels = [UInt8](repeating: 255, count: size * size)
    for index in stride(from: 0, to: points.count, by: 2) {
      let column = Int(((points[index] + 4) / 8 * Float(size)).rounded(.down))
      let row = Int(((4 - points[index + 1]) / 8 * Float(size)).rounded(.down))
      guard (0..<size).contains(column), (0..<size).contains(row) else { continue }
      let place = row * size + column
      pixels[place] = UInt8(max(0, Int(pixels[place]) - 85))
    }
    return Image(width: size, height: size, channels: 1, pixels: pixels)
  }

  private mutating func add(_ data: LabeledPictures, _ count: Int) {
    classes = zip(data.classNames, data.countsPerClass).map { ($0, $1) }
    for index in 0..<min(count, data.count) {
      pictures.append(data[index])
      examples.append(data.classNames[data.labels[index]])
    }
  }

  // MARK: - As text and JSON

  var text: String {
    var lines = ["\(name): \(item), from \(source)"]
    var table = Columns(.left, .right)
    for part in parts { table.add(part.name, Wording.count(part.count)) }
    for part in classes { table.add(part.name, Wording.count(part.count)) }
    lines += table.lines.map { "  " + $0 }
    if !examples.isEmpty {
      lines.append("the first \(examples.count):")
      lines += examples.map { "  " + $0 }
    }
    return lines.joined(separator: "\n")
  }

  func json(out: String?) -> JSONValue {
    func counts(_ counts: [(name: String, count: Int)]) -> JSONValue {
      .object(counts.map { .init($0.name, .integer($0.count)) })
    }
    var members: [JSONValue.Member] = [
      .init("name", .string(name)), .init("source", .string(source)),
      .init("item", .string(item)), .init("parts", counts(parts)),
      .init("classes", counts(classes)),
      .init("examples", .array(examples.map(JSONValue.string))),
    ]
    if let out { members.append(.init("out", .string(out))) }
    return .object(members)
  }
}

internal import Images

/// A file of the MNIST family: a magic number whose last byte is the number of dimensions, the
/// dimensions, then bytes.
struct IDX {
  let dimensions: [Int]
  let bytes: ArraySlice<UInt8>

  /// Reads the content of such a file.
  /// - Parameter rank: the number of dimensions it must have: 1 for labels, 3 for pictures.
  init(_ content: [UInt8], rank: Int, source: String) throws(DatasetError) {
    let header = 4 + 4 * rank
    guard content.count >= header else {
      throw .damaged(
        path: source,
        reason: "\(content.count) bytes; the header of an IDX file of rank \(rank) alone has"
          + " \(header)")
    }
    func number(_ index: Int) -> Int {
      content[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    // 8: unsigned bytes.
    let magic = 0x800 | rank
    guard number(0) == magic else {
      throw .damaged(
        path: source,
        reason: "begins with \(hex(number(0))), an IDX file of rank \(rank) with \(hex(magic))")
    }
    dimensions = (1...rank).map(number)
    var expected = header
    var size = 1
    for dimension in dimensions {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow, product < 1 << 40 else {
        throw .damaged(path: source, reason: "the header asks for \(dimensions) bytes")
      }
      size = product
    }
    expected += size
    guard content.count == expected else {
      throw .damaged(
        path: source,
        reason: "\(content.count) bytes after inflating; the header asks for \(expected)")
    }
    bytes = content[header...]
  }

  /// Reads the content of a gzip file that holds one.
  init(gzip: [UInt8], rank: Int, source: String) throws(DatasetError) {
    let content: [UInt8]
    do {
      content = try Gzip.inflate(gzip, limit: 1 << 30, source: source)
    } catch {
      throw .damaged(path: source, reason: error.explanation)
    }
    try self.init(content, rank: rank, source: source)
  }
}

private func hex(_ number: Int) -> String {
  let digits = String(number, radix: 16)
  return "0x" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
}

extension LabeledPictures {
  /// Pictures and labels of a pair of IDX files in gzip.
  init(
    images: (bytes: [UInt8], source: String), labels: (bytes: [UInt8], source: String),
    classNames: [String]
  ) throws(DatasetError) {
    let pictures = try IDX(gzip: images.bytes, rank: 3, source: images.source)
    let classes = try IDX(gzip: labels.bytes, rank: 1, source: labels.source)
    let (count, height, width) = (
      pictures.dimensions[0], pictures.dimensions[1], pictures.dimensions[2]
    )
    guard count > 0, width > 0, height > 0 else {
      throw .damaged(path: images.source, reason: "\(count) pictures of \(width)x\(height)")
    }
    guard classes.dimensions[0] == count else {
      throw .damaged(
        path: labels.source,
        reason: "\(classes.dimensions[0]) labels for the \(count) pictures of \(images.source)")
    }
    if let wrong = classes.bytes.first(where: { Int($0) >= classNames.count }) {
      throw .damaged(
        path: labels.source, reason: "a label \(wrong); there are \(classNames.count) classes")
    }
    self.init(
      width: width, height: height, channels: 1, pixels: Array(pictures.bytes),
      labels: classes.bytes.map { Int($0) }, classNames: classNames)
  }
}

internal import Foundation
internal import Images

/// A body of text.
public struct TextCorpus: Equatable, Sendable {
  /// UTF-8.
  public let bytes: [UInt8]
  public let source: DataSource

  init(bytes: [UInt8], source: DataSource) {
    self.bytes = bytes
    self.source = source
  }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Reads a text file, or all `.txt` and `.md` files under a folder one after the other, in the
  /// order of their paths; gzip is inflated.
  /// - Throws: `DatasetError` where nothing is there, nothing is in it, or it is not UTF-8.
  public init(contentsOf path: String) throws(DatasetError) {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists else { throw .file(path: path, reason: "no such file or folder") }
    var paths = [path]
    if isFolder.boolValue {
      paths = try files(under: path) { name in
        [".txt", ".md", ".txt.gz", ".md.gz"].contains { name.lowercased().hasSuffix($0) }
      }
      if paths.isEmpty { throw .file(path: path, reason: "no .txt or .md file under this folder") }
    }
    var bytes: [UInt8] = []
    for path in paths {
      var content = try contents(of: path)
      if content.starts(with: [0x1F, 0x8B]) {
        do {
          content = try Gzip.inflate(content, limit: 1 << 32, source: path)
        } catch {
          throw .damaged(path: path, reason: error.explanation)
        }
      }
      // The mark that some editors put before UTF-8 is no text.
      if content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
      guard String(validating: content, as: UTF8.self) != nil else {
        throw .damaged(path: path, reason: "not UTF-8 text; convert it, for example with iconv")
      }
      bytes += content
      if paths.count > 1, content.last != 0x0A { bytes.append(0x0A) }
    }
    if bytes.isEmpty { throw .file(path: path, reason: "no text in it") }
    self.init(bytes: bytes, source: .files(folder: path))
  }

  /// The text without its last `fraction`, and that part, for tests: cut at a start of a character.
  public func split(heldOut fraction: Double = 0.05) -> (train: TextCorpus, test: TextCorpus) {
    var cut = bytes.count - Int(Double(bytes.count) * min(max(fraction, 0), 1))
    while cut > 0, cut < bytes.count, bytes[cut] & 0xC0 == 0x80 { cut -= 1 }
    return (
      TextCorpus(bytes: Array(bytes[..<cut]), source: source),
      TextCorpus(bytes: Array(bytes[cut...]), source: source)
    )
  }
}

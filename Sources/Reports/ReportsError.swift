/// What can go wrong with the files of this module.
public enum ReportsError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file could not be opened, read or written.
  case file(path: String, reason: String)
  /// A line in the middle of a log is no JSON object with a step.
  case damagedLog(path: String, line: Int)
  /// A file does not begin as TensorBoard's event files do.
  case notEvents(path: String)
  /// A sample that cannot be read or written as a picture.
  case picture(reason: String)
  /// Text that is no gallery.
  case notGallery(reason: String)

  public var description: String {
    switch self {
    case .file(let path, let reason):
      "\(path): \(reason)"
    case .damagedLog(let path, let line):
      "\(path): line \(line) is no JSON object with a \"step\"; the lines before it are whole. "
        + "Move the file away, or cut it there, to go on"
    case .notEvents(let path):
      "\(path) does not begin as an event file of TensorBoard does; move it away to go on"
    case .picture(let reason):
      "A sample of the gallery is no picture: \(reason)"
    case .notGallery(let reason):
      "This is no gallery.json: \(reason)"
    }
  }
}

/// What can go wrong with data. Every case says where, and how to mend it.
public enum DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing of a data set is on this machine; `mend` holds commands, the best first.
  case missing(name: String, lookedIn: [String], mend: [String])
  /// A file or folder cannot be read or written.
  case file(path: String, reason: String)
  /// A file is there, but is not what it should be; `reason` says what it is.
  case damaged(path: String, reason: String)
  /// What was asked cannot be done: an unknown name, a size of zero.
  case argument(reason: String)
  /// A data set could not be fetched.
  case fetch(name: String, reason: String, mend: [String])

  /// One line, then aligned facts, the last of them commands that mend it.
  public var description: String {
    switch self {
    case .missing(let name, let lookedIn, let mend):
      "the data set \"\(name)\" is missing.\n  looked in   "
        + lookedIn.joined(separator: ", ") + Self.commands(mend)
    case .file(let path, let reason): "\(path): \(reason)."
    case .damaged(let path, let reason): "\(path): \(reason)."
    case .argument(let reason): "\(reason)."
    case .fetch(let name, let reason, let mend):
      "the data set \"\(name)\" could not be fetched: \(reason)." + Self.commands(mend)
    }
  }

  private static func commands(_ commands: [String]) -> String {
    zip(commands, commands.indices)
      .map { ($1 == 0 ? "\n  try         " : "\n         or   ") + $0 }
      .joined()
  }
}

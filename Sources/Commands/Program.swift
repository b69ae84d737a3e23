import ArgumentParser
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// From arguments to an exit code.
enum Program {
  /// Parses the arguments, runs the command, reports what went wrong.
  static func run(_ arguments: [String]) -> Int32 {
    // A reader that goes away must end neither a training nor the program with a signal.
    _ = signal(SIGPIPE, SIG_IGN)
    let ownArguments = arguments.prefix { $0 != "--" }
    var console = Console(
      json: ownArguments.contains("--json"), forbidsColor: ownArguments.contains("--no-color"))
    do {
      try refuseUnknownSubcommand(arguments)
      var command = try ApusCommand.parseAsRoot(arguments)
      guard let subcommand = command as? any Subcommand else {
        try command.run()
        return 0
      }
      console = Console(subcommand.output)
      try subcommand.execute(console)
      try console.finish()
      return 0
    } catch {
      if ApusCommand.exitCode(for: error) == .success {
        // Help, version and completion scripts are results.
        return (try? console.result(ApusCommand.fullMessage(for: error))) == nil ? 1 : 0
      }
      // A command that has said everything itself.
      if let code = error as? ExitCode { return code.rawValue }
      let failure = Failure(error, arguments: arguments)
      console.report(failure)
      return failure.kind.exitCode
    }
  }

  /// Suggests the subcommand that was meant; the parser would only call it unexpected.
  private static func refuseUnknownSubcommand(_ arguments: [String]) throws(Failure) {
    let (commands, rest) = path(of: arguments)
    guard let command = commands.last, let word = rest.first, !word.hasPrefix("-"),
      !command.configuration.subcommands.isEmpty, word != "help"
    else { return }
    let names = command.configuration.subcommands.map(name)
    let whole = commands.map(name).joined(separator: " ")
    throw .unknownName(word, of: "subcommand", among: names, attempts: ["\(whole) --help"])
  }

  /// The commands that the arguments name, the root first, and the arguments after them.
  static func path(of arguments: [String]) -> ([any ParsableCommand.Type], ArraySlice<String>) {
    var commands: [any ParsableCommand.Type] = [ApusCommand.self]
    var rest = arguments[...]
    while let word = rest.first, let last = commands.last,
      let next = last.configuration.subcommands.first(where: { name($0) == word })
    {
      commands.append(next)
      rest = rest.dropFirst()
    }
    return (commands, rest)
  }

  /// The words that call the command which the arguments name, such as `apus data list`.
  static func calledCommand(_ arguments: [String]) -> String {
    path(of: arguments).0.map(name).joined(separator: " ")
  }

  private static func name(_ command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? command._commandName
  }
}

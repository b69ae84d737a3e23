import ArgumentParser

/// The command itself: its subcommands are the whole list of what it can do.
struct ApusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "Trains, samples and serves the models of generative AI.",
    discussion: """
      Results go to standard output, progress and messages to standard error; --json makes the \
      results JSON with stable keys. Values are taken from the flag, else from the environment \
      (APUS_SEED, APUS_THREADS …), else from the --config file, else from the default.

      Exit codes: 0 done; 1 failed; 2 bad data or checkpoint; 3 something is missing; 4 a device \
      or library is unavailable; 64 wrong usage; 130 interrupted after saving.

      Shell completion: apus --generate-completion-script bash|zsh|fish prints a script for your \
      shell, for example > ~/.local/share/bash-completion/completions/apus.
      """,
    version: apusVersion,
    subcommands: [
      GalleryCommand.self, TrainCommand.self, SampleCommand.self, AgainCommand.self,
      EmbedCommand.self, EvalCommand.self, CompressCommand.self, DecompressCommand.self,
      RunsCommand.self,
      DataCommand.self, InspectCommand.self, ConvertCommand.self, VerifyCommand.self,
      ModelsCommand.self, CompareCommand.self, TokenizeCommand.self, BenchCommand.self,
      DoctorCommand.self,
    ])
}

/// A subcommand that works: what it prints goes through a console, what it throws becomes a
/// message and an exit code.
protocol Subcommand: ParsableCommand {
  var output: OutputOptions { get }

  /// Does the work.
  /// - Throws: any error that `Failure.init(_:)` knows.
  func execute(_ console: Console) throws
}

import ArgumentParser

/// How a command reports; every command has these.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print results and errors as JSON on standard output.")
  var json = false

  @Flag(name: [.long, .short], help: "Print results and errors only, no progress.")
  var quiet = false

  @Flag(name: [.long, .short], help: "Add details to progress and errors.")
  var verbose = false

  @Flag(
    name: .customLong("no-color"),
    help: "Use no colours; NO_COLOR in the environment does the same.")
  var noColor = false
}

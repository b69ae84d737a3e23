import ArgumentParser
import Checkpoints
import Documents
import Foundation
import Published
import Reports

struct VerifyCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compares a published model with numbers of its reference implementation.",
    discussion: """
      FOLDER holds config.json and model.safetensors in the layout of their library, and \
      reference.safetensors with what that library computes from them: input.NAME, output.NAME, \
      and at will train.loss, train.grad.NAME and train.grad_norm.NAME. Store a few numbers once, \
      and prove the port for ever.

      Exit codes: 0 all within their tolerances; 1 some outside; 2 a folder cannot be loaded; 3 a \
      file is missing.
      """)

  @Argument(help: "The folders.", completion: .directory)
  var folders: [String]

  @OptionGroup var output: OutputOptions

  func execute(_ console: Console) throws {
    var worst: Int32 = 0
    for folder in folders {
      let url = URL(fileURLWithPath: folder)
      do {
        let verification = try Verification(url)
        try console.result(
          console.json
            ? String(decoding: json(verification).encoded(), as: UTF8.self)
            : text(verification, on: console.output))
        worst = max(worst, verification.isWithin ? 0 : 1)
      } catch {
        let failure = Failure(error, arguments: [])
        if console.json {
          try console.result(json(failure, folder))
        } else {
          console.report(failure)
        }
        worst = max(worst, failure.kind.exitCode)
      }
    }
    if worst > 0 { throw ExitCode(worst) }
  }

  private func json(_ verification: Verification) -> JSONValue {
    .object([
      .init("folder", .string(verification.folder.path)),
      .init("architecture", .string(verification.architecture)),
      .init("status", .string(verification.isWithin ? "pass" : "fail")),
      .init(
        "tensors",
        .array(
          verification.rows.map { row in
            .object(
              [
                .init("name", .string(row.name)), .init("max_abs", .number(row.absolute)),
                .init("max_rel", .number(row.relative)),
                .init("tolerance", .number(row.tolerance)), .init("pass", .bool(row.isWithin)),
              ] + (row.problem.map { [.init("problem", .string($0))] } ?? []))
          })),
    ])
  }

  private func json(_ failure: Failure, _ folder: String) -> JSONValue {
    .object([
      .init("folder", .string(folder)), .init("architecture", .null),
      .init("status", .string("error")), .init("tensors", .array([])),
      .init("error", .string(failure.message.summary)),
    ])
  }

  private func text(_ verification: Verification, on terminal: Terminal) -> String {
    var table = Columns(.left, .right, .right, .right, .left)
    table.add("tensor", "absolute", "relative", "tolerance", "")
    for row in verification.rows {
      let verdict = row.isWithin ? "within" : row.problem ?? "OUTSIDE"
      table.add(
        row.name, number(row.absolute), number(row.relative), number(row.tolerance), verdict)
    }
    var lines = table.lines
    lines[0] = terminal.paint(lines[0], .dim)
    let outside = verification.rows.count { !$0.isWithin }
    lines.append(
      "\(verification.architecture): \(verification.rows.count) tensors compared, "
        + (outside == 0 ? "all within their tolerances" : "\(outside) outside their tolerances"))
    return lines.map(terminal.shown).joined(separator: "\n")
  }

  private func number(_ value: Double) -> String {
    value == 0 ? "0" : value.isInfinite ? "∞" : String(format: "%.1e", value)
  }
}

extension Failure {
  init(_ error: PublishedError) {
    switch error {
    case .missing: self.init(.missing, sentence("\(error)"))
    case .weights(let error): self.init(error)
    case .configuration, .unknownArchitecture, .tokenizer, .generation, .input:
      self.init(.invalid, sentence("\(error)"))
    }
  }
}

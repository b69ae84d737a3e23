/// Makes refusals of one file.
struct Refuse: Sendable {
  let file: String

  func callAsFunction(_ refusal: CheckpointError.Refusal, _ problem: String) -> CheckpointError {
    .refused(refusal, file: file, problem: problem)
  }
}

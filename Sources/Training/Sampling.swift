public import Reports
public import Tensors

/// What is asked of a trained model.
public struct SampleRequest: Sendable {
  /// The text to go on with; nil: the recipe's own beginning. Only recipes that take prompts get one.
  public var prompt: String?
  /// Pictures, texts or points to make; at least 1.
  public var count: Int
  /// The same key gives the same samples.
  public var key: RandomKey

  public init(prompt: String? = nil, count: Int, key: RandomKey) {
    self.prompt = prompt
    self.count = count
    self.key = key
  }

  /// All samples, made in equal parts of at most `size`, so that any number of them fits into memory.
  public func inParts<Item>(
    of size: Int, _ make: (_ count: Int, _ key: RandomKey) -> [Item]
  ) -> [Item] {
    let parts = (count + size - 1) / size
    let each = (count + parts - 1) / parts
    // Parts of one size share a program; the last one's surplus is dropped.
    return Array((0..<parts).flatMap { make(each, key.fork($0)) }.prefix(count))
  }
}

/// What a model made.
public enum SampleBatch: Sendable, Equatable {
  case pictures([Picture])
  /// Texts with their prompts, or points as lines of coordinates.
  case texts([String])
}

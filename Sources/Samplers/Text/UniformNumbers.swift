internal import Foundation
internal import Layers
public import Tensors

/// Uniform numbers in [0, 1) of a key, one after the other: the same key gives the same numbers.
public struct UniformNumbers: Sendable, Sequence, IteratorProtocol {
  private let key: RandomKey
  private var block = 0
  private var numbers: ArraySlice<Double> = []

  public init(_ key: RandomKey) { self.key = key }

  public mutating func next() -> Double? {
    if numbers.isEmpty {
      numbers = key.fork(block).uniform([256], .float64).doubles()[...]
      block += 1
    }
    return numbers.popFirst()
  }

  /// The next number.
  mutating func draw() -> Double { next() ?? 0 }
}

extension [Float] {
  /// The place that a uniform number falls on where each has its share of the sum; nil where all are 0.
  func place(at uniform: Double) -> Int? {
    let target = uniform * reduce(0) { $0 + Double($1) }
    var gathered = 0.0
    var last: Int?
    for i in indices where self[i] > 0 {
      gathered += Double(self[i])
      last = i
      if gathered > target { break }
    }
    return last
  }

  /// A token, as likely as the softmax of these logits says; the first one where all are forbidden.
  func drawnToken(_ numbers: inout UniformNumbers) -> Int {
    softmax.place(at: numbers.draw()) ?? 0
  }
}

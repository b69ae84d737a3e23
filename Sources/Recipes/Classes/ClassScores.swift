internal import Foundation
package import Reports
internal import Tensors

/// How right a classifier is about items whose classes are known.
package struct ClassScores {
  private let labels: [Int]
  private let classes: Int
  /// The place of the true class among all, the likeliest being 0.
  private let ranks: [Int]
  private let answers: [Int]
  private let surprise: Double

  /// - Parameter logits: of all classes, item after item.
  package init(logits: [Double], labels: [Int]) {
    self.labels = labels
    classes = logits.count / max(1, labels.count)
    var (ranks, answers, surprise) = ([Int](), [Int](), 0.0)
    for (i, label) in labels.enumerated() {
      let row = logits[(i * classes)..<((i + 1) * classes)]
      let (first, truth) = (row.startIndex, row[row.startIndex + label])
      // Of equal ones the first counts more, as in `argmax`.
      ranks.append(
        row.indices.count { row[$0] > truth || row[$0] == truth && $0 < first + label })
      answers.append(row.indices.max { (row[$0], $1) < (row[$1], $0) }! - first)
      let largest = row.max()!
      surprise += largest - truth + log(row.reduce(0) { $0 + exp($1 - largest) })
    }
    (self.ranks, self.answers, self.surprise) = (ranks, answers, surprise)
  }

  /// The share of items whose class is among the likeliest so many.
  package func accuracy(top count: Int = 1) -> Double {
    Double(ranks.count { $0 < count }) / Double(max(1, labels.count))
  }

  /// The mean of the classes' F1, the harmonic mean of precision and recall. Classes that neither labels nor answers have
  /// are left out.
  package var f1: Double {
    let counts = counts
    let scores = (0..<classes).compactMap { i -> Double? in
      let truths = counts[i].reduce(0, +)
      let claims = counts.reduce(0) { $0 + $1[i] }
      return truths + claims == 0 ? nil : 2 * Double(counts[i][i]) / Double(truths + claims)
    }
    return scores.reduce(0, +) / Double(max(1, scores.count))
  }

  /// The mean negative logarithm of the true class's probability, in nats.
  package var crossEntropy: Double { surprise / Double(max(1, labels.count)) }

  /// By true class, then by answer.
  package var counts: [[Int]] {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for (label, answer) in zip(labels, answers) { counts[label][answer] += 1 }
    return counts
  }

  package func metrics(note: String) -> [Metric] {
    func percent(_ name: String, _ part: Double, error: Double? = nil) -> Metric {
      Metric(
        name: name, value: 100 * part, unit: "%", kind: .score, error: error, note: note)
    }
    let part = accuracy()
    // The interval within which 95 of 100 sets of this size would fall.
    let error = 1.96 * (part * (1 - part) / Double(max(1, labels.count))).squareRoot()
    var metrics = [percent("accuracy", part, error: 100 * error)]
    if classes > 5 { metrics.append(percent("top-5 accuracy", accuracy(top: 5))) }
    return metrics + [
      percent("F1", f1),
      Metric(name: "cross entropy", value: crossEntropy, unit: "nats", kind: .score, note: note),
    ]
  }
}

extension ClassScores {
  /// - Parameters:
  ///   - size: items that are looked at together.
  ///   - logits: of the items of these places, [items, classes].
  init(labels: [Int], size: Int, _ logits: (_ places: [Int]) -> Tensor) {
    let all = stride(from: 0, to: labels.count, by: size).flatMap { start in
      logits(Array(start..<min(start + size, labels.count))).doubles()
    }
    self.init(logits: all, labels: labels)
  }
}

public import Layers
import Reports

/// Items that batches are made of.
public protocol Dataset: Sendable {
  associatedtype Batch: Module
  var count: Int { get }
  /// The items of these indices. Batches have tensors of few different shapes: a step is compiled for each.
  func batch(_ indices: [Int]) -> Batch
  /// Batches to learn from are of neighbours, as they stand: for texts in the order of their lengths, so that little
  /// padding is needed. Else every batch is of items from anywhere.
  var keepsNeighbors: Bool { get }
}

extension Dataset {
  public var keepsNeighbors: Bool { false }
}

/// Data in parts: what is learned from and what is measured on.
public struct DataSplit<Data: Dataset>: Sendable {
  public var training: Data
  /// What is measured on while a run goes on, by which settings and checkpoints are chosen.
  public var heldOut: Data
  /// What the held-out items are called: "tuning pictures".
  public var heldOutName: String
  /// What is measured on once, at the end of a run, and never chosen by; nil: the held-out items again.
  public var test: Data?
  public var testName: String

  public init(
    training: Data, heldOut: Data, heldOutName: String = "held-out items",
    test: Data? = nil, testName: String = "test items"
  ) {
    self.training = training
    self.heldOut = heldOut
    self.heldOutName = heldOutName
    self.test = test
    self.testName = testName
  }

  /// The same with the test items in the place of the held-out ones.
  public var atEnd: DataSplit {
    guard let test else { return self }
    return DataSplit(training: training, heldOut: test, heldOutName: testName)
  }

  /// What a metric was measured on, in words: "5,000 tuning pictures".
  public var measuredOn: String { "\(Wording.count(heldOut.count)) \(heldOutName)" }
}

/// Items that a function makes.
public struct Examples<Batch: Module>: Dataset {
  public let count: Int
  private let make: @Sendable ([Int]) -> Batch

  public init(_ count: Int, _ make: @escaping @Sendable (_ indices: [Int]) -> Batch) {
    self.count = count
    self.make = make
  }

  public func batch(_ indices: [Int]) -> Batch { make(indices) }
}

/// Which items each step learns from: a new permutation every epoch.
///
/// Any place in any epoch is computed on its own, from the seed: nothing is stored, so a run can go
/// on from any step, and the data may have any size. The permutation is a Feistel network over the
/// next power of four, walked until it falls among the items (Black and Rogaway 2002, "Ciphers with
/// arbitrary finite domains").
public struct BatchOrder: Sendable {
  private let items: Int
  /// What is permuted: items, or blocks of them.
  public let count: Int
  public let batchSize: Int
  /// Batches are whole blocks of neighbours in another order every epoch, which leaves out the few items that make no
  /// block: now some at the beginning, now some at the end.
  private let isInBlocks: Bool
  private let seed: UInt64
  private let halfBits: UInt64

  public init(count: Int, batchSize: Int, seed: UInt64, keepsNeighbors: Bool = false) {
    let items = max(1, count)
    isInBlocks = keepsNeighbors && items >= batchSize
    self.items = items
    self.count = isInBlocks ? items / batchSize : items
    self.batchSize = batchSize
    self.seed = seed
    let bits = Int.bitWidth - (self.count - 1).leadingZeroBitCount
    halfBits = UInt64(max(1, (bits + 1) / 2))
  }

  /// The order of a dataset to learn from.
  public init(of data: some Dataset, batchSize: Int, seed: UInt64) {
    self.init(
      count: data.count, batchSize: batchSize, seed: seed, keepsNeighbors: data.keepsNeighbors)
  }

  /// The items of a step, counted from 0. A batch of single items may reach into the next epoch.
  public func indices(step: Int) -> [Int] {
    if isInBlocks {
      let epoch = step / count
      let spare = UInt64(items - count * batchSize)
      let first = Int(mixed(seed ^ UInt64(bitPattern: Int64(epoch))) % (spare + 1))
      let start = first + index(epoch: epoch, place: step % count) * batchSize
      return Array(start..<(start + batchSize))
    }
    return (step * batchSize..<(step + 1) * batchSize).map {
      index(epoch: $0 / count, place: $0 % count)
    }
  }

  /// Epochs that lie behind after `steps` steps.
  public func epoch(after steps: Int) -> Double {
    Double(steps * (isInBlocks ? 1 : batchSize)) / Double(count)
  }

  /// The item, or the block, at a place of an epoch.
  public func index(epoch: Int, place: Int) -> Int {
    let key = mixed(seed ^ mixed(UInt64(bitPattern: Int64(epoch)) &+ 0x9E37_79B9_7F4A_7C15))
    var value = UInt64(place)
    repeat { value = permuted(value, key) } while value >= UInt64(count)
    return Int(value)
  }

  private func permuted(_ value: UInt64, _ key: UInt64) -> UInt64 {
    let mask = (UInt64(1) << halfBits) - 1
    var (left, right) = (value >> halfBits, value & mask)
    for round in 0..<UInt64(6) {
      (left, right) = (right, left ^ (mixed(right ^ mixed(key &+ round)) & mask))
    }
    return left << halfBits | right
  }

  /// splitmix64's finish (Steele, Lea and Flood 2014).
  private func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

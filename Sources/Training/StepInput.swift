import Layers
import Tensors

/// What a compiled step gets besides the state: all of it tensors, so that one program serves all
/// steps.
struct StepInput<Batch: Module>: Module {
  var batch: Batch
  var key: RandomKey
  /// int64, shape [].
  var step: Tensor

  init(_ batch: Batch, _ key: RandomKey, step: Int) {
    self.batch = batch
    self.key = key
    self.step = Tensor([Int64(step)], shape: [])
  }

  mutating func visit(_ visitor: inout Visitor) {
    visitor("batch", &batch)
    visitor("key", &key)
    visitor("step", &step)
  }
}

/// What the keys of a run are for.
enum Purpose {
  static let start = 0
  static let step = 1
  static let evaluation = 2
  static let figures = 3
}

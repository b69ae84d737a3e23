import Documents
import Layers
import Optimizers
import Tensors
import TestSupport
import Testing

/// Compares a model's loss, gradients and, where the fixture has them, steps of AdamW with those of the fixture.
/// - Parameter prefix: what comes before the model's names there.
func expectTraining<M: Module>(
  of model: M, _ fixture: Fixture, prefix: String = "", loss: (inout M) -> Tensor
) throws {
  var trained = model
  let (value, gradient) = valueAndGradient(updating: &trained, loss)
  #expect(try distance(value, fixture.tensor("train.loss")) < 2e-5)
  try expectSlopes(gradient, fixture, prefix)
  guard let losses = fixture["train.losses"] else { return }
  let text = try #require(fixture.metadata["train.settings"])
  let settings = try JSONValue(parsing: [UInt8](text.utf8))
  func number(_ name: String) throws -> Double { try #require(settings[name]?.double, "\(name)") }
  let betas = settings["betas"]?.elements?.compactMap(\.double) ?? []
  trained = model
  var optimizer = try Adam(
    for: trained, learningRate: number("lr"), betas: (betas[0], betas[1]), epsilon: number("eps"),
    weightDecay: number("weight_decay"), isDecoupled: true)
  var values: [Tensor] = []
  for _ in 0..<losses.count {
    let (value, gradient) = valueAndGradient(updating: &trained, loss)
    values.append(value)
    optimizer.update(&trained, along: gradient)
    (trained, optimizer) = (trained.evaluated(), optimizer.evaluated())
  }
  #expect(distance(stack(values), losses) < 1e-4)
  for leaf in trained.leaves {
    let expected = fixture["train.step\(losses.count).\(prefix)\(leaf.name)"]
    guard let expected else { continue }
    #expect(distance(leaf.tensor, expected) < 1e-4, "\(leaf.name)")
  }
}

/// Compares a gradient with the parts of it and the norms that a fixture has.
private func expectSlopes<M: Module>(_ gradient: M, _ fixture: Fixture, _ prefix: String) throws {
  let leaves = gradient.leaves.filter { !$0.isBuffer }
  let norms = Dictionary(
    uniqueKeysWithValues: leaves.map { ($0.name, $0.tensor.square().sum().scalar.squareRoot()) })
  let largest = norms.values.max() ?? 0
  for leaf in leaves {
    if let expected = fixture["train.grad.\(prefix)\(leaf.name)"] {
      #expect(distance(leaf.tensor, expected) < 1e-4, "gradient by \(leaf.name)")
    }
    let norm = try fixture.tensor("train.grad_norm.\(prefix)\(leaf.name)").scalar
    let given = try #require(norms[leaf.name])
    #expect(abs(given - norm) < 1e-3 * norm + 1e-5 * largest, "norm by \(leaf.name)")
  }
}

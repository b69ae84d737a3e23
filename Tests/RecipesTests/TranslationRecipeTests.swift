import Foundation
import Layers
import Models
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite struct TranslationRecipeTests {
  private static let small = [
    "vocabulary=600", "length=40", "batch_size=8", "embedding=8", "width=16",
  ]

  @Test func `ten steps of lstm-translate run, and go on where they stopped`() throws {
    try checkTenSteps(of: LSTMTranslate.self, Self.small + ["beams=2"])
  }

  @Test func `ten steps of seq2seq-translate run, and go on where they stopped`() throws {
    try checkTenSteps(of: Seq2SeqTranslate.self, Self.small + ["beams=1"])
    try checkTenSteps(of: Seq2SeqTranslate.self, Self.small + ["beams=1", "attention=dot"])
  }

  @Test func `ten steps of transformer-translate run, and go on where they stopped`() throws {
    let small = ["vocabulary=600", "length=40", "batch_size=8", "width=16", "heads=2", "inner=16"]
    try checkTenSteps(of: TransformerTranslate.self, small + ["layers=1", "beams=1"])
    try checkTenSteps(
      of: TransformerTranslate.self,
      small + ["layers=1", "beams=1", "positions=learned", "norm_first=false"])
  }

  @Test func `ten steps of gru-testament run, and go on where they stopped`() throws {
    let small = ["length=20", "batch_size=8", "width=8"]
    try checkTenSteps(of: GRUTestament.self, small)
    try checkTenSteps(of: GRUTestament.self, small + ["summary=last", "layers=2"])
  }

  @Test func `no verse that is measured on is learned from`() throws {
    var settings = LSTMTranslate.defaults
    settings.vocabulary = 600
    let data = try LSTMTranslate(settings).data()
    let test = try #require(data.test)
    #expect((data.heldOut.count, test.count) == (175, 344))
    func texts(_ pairs: VersePairs) -> Set<[Int32]> {
      Set(
        (0..<pairs.count).map {
          pairs.batch([$0]).first.doubles().filter { $0 != 0 }.map { Int32($0) }
        })
    }
    let learned = texts(data.training)
    #expect(data.training.count > 15_000)
    #expect(learned.isDisjoint(with: texts(data.heldOut)) && learned.isDisjoint(with: texts(test)))
  }

  @Test func `batches of verses have few shapes, and every verse comes once an epoch`() throws {
    var settings = LSTMTranslate.defaults
    settings.vocabulary = 600
    let data = try LSTMTranslate(settings).data().training
    let order = BatchOrder(of: data, batchSize: 64, seed: 1)
    let batches = (0..<order.count).map { order.indices(step: $0) }
    #expect(Set(batches.joined()).count == 64 * (data.count / 64))
    #expect(batches != (0..<order.count).map { order.indices(step: order.count + $0) })
    let shapes = Set(batches.map { data.batch($0).second.shape })
    #expect(shapes.count <= 4 && shapes.contains([64, 33]))
  }

  @Test func `more padding does not change the loss of a Transformer`() throws {
    var settings = TransformerTranslate.defaults
    (settings.vocabulary, settings.width, settings.heads, settings.layers) = (600, 16, 2, 1)
    let recipe = try TransformerTranslate(settings)
    let data = try recipe.data()
    var model = recipe.model(data, RandomKey(seed: 1))
    let batch = data.training.batch([0, 1])
    let more = batch.mapTensors { $0.padded([(0, 0), (0, 16)]) }
    func loss(_ batch: Pair<Tensor, Tensor>) -> Double {
      recipe.loss(&model, batch, .inference, RandomKey(seed: 2))["loss"]?.scalar ?? .nan
    }
    #expect(abs(loss(batch) - loss(more)) < 1e-4 * loss(batch))
  }
}

import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

/// Every kind of memory gives what reading the whole text gives.
@Suite struct TokenMemoryTests {
  static let gpt = GPT(
    GPTConfiguration(vocabulary: 19, context: 90, width: 16, layers: 2, heads: 2),
    key: RandomKey(seed: 1)
  ).mapTensors { $0 * 6 }
  private static let recurrent = RecurrentLanguageModel(
    .init(vocabulary: 19, embedding: 8, width: 12, layers: 2), key: RandomKey(seed: 2)
  ).mapTensors { $0 * 3 }

  private static func ids(_ seed: UInt64, _ shape: [Int]) -> Tensor {
    RandomKey(seed: seed).integers(below: 19, shape)
  }

  func expectClose(_ a: Tensor, _ b: Tensor) {
    #expect(a.shape == b.shape)
    let scale = b.floats().map(abs).max() ?? 1
    #expect(zip(a.floats(), b.floats()).allSatisfy { abs($0 - $1) <= 2e-5 * scale })
  }

  private func expectCachedEqualsWhole<M: TokenModel>(_ model: M, _ whole: Tensor, _ ids: Tensor)
  where M.Source == Nothing {
    var memory = model.memory(of: Nothing(), batch: 2, capacity: 8, padding: nil)
    let first = model.read(ids.sliced(1, 0..<5), &memory, last: 5)
    memory = memory.grown(to: 32)
    var parts = [first]
    for i in 5..<12 { parts.append(model.read(ids.sliced(1, i..<(i + 1)), &memory, last: 1)) }
    expectClose(concatenate(parts, axis: 1), whole)
  }

  private func expectPaddingIsUnseen<M: TokenModel>(_ model: M) where M.Source == Nothing {
    let ids = Self.ids(4, [2, 7])
    var memory = model.memory(
      of: Nothing(), batch: 2, capacity: 16, padding: Tensor([3, 0] as [Int32]))
    let first = model.read(ids, &memory, last: 2)
    memory = memory.rows(Tensor([0, 0] as [Int32]))
    let second = model.read(Self.ids(5, [2, 1]), &memory, last: 1)

    var alone = model.memory(of: Nothing(), batch: 1, capacity: 16, padding: nil)
    let own = model.read(ids.sliced(0, 0..<1).sliced(1, 3..<7), &alone, last: 2)
    expectClose(first.sliced(0, 0..<1), own)
    alone = alone.rows(Tensor([0, 0] as [Int32]))
    expectClose(second, model.read(Self.ids(5, [2, 1]), &alone, last: 1))
  }

  @Test func `Cached keys and values give what the whole text gives`() {
    let ids = Self.ids(3, [2, 12])
    expectCachedEqualsWhole(Self.gpt, Self.gpt(ids), ids)
    expectPaddingIsUnseen(Self.gpt)
  }

  @Test func `A recurrent state gives what the whole text gives`() {
    let ids = Self.ids(3, [2, 12])
    expectCachedEqualsWhole(Self.recurrent, Self.recurrent(ids), ids)
    expectPaddingIsUnseen(Self.recurrent)
  }

  @Test func `Forgotten tokens leave no trace`() {
    var memory = Self.gpt.memory(of: Nothing(), batch: 2, capacity: 16, padding: nil)
    let ids = Self.ids(6, [2, 8])
    _ = Self.gpt.read(ids.sliced(1, 0..<4), &memory, last: 1)
    _ = Self.gpt.read(Self.ids(7, [2, 3]), &memory, last: 1)
    memory = memory.forgetting(Tensor([3] as [Int32], shape: []))
    let logits = Self.gpt.read(ids.sliced(1, 4..<8), &memory, last: 4)
    expectClose(logits, Self.gpt(ids).sliced(1, 4..<8))
  }

  @Test func `Texts are the same alone and beside longer ones, and stop at the context`() throws {
    let generator = TokenGenerator(Self.gpt)
    var settings = GenerationSettings()
    settings.maxNewTokens = 12
    let prompts: [[Int]] = [[1, 2], [3, 4, 5, 6, 7], [8]]
    for beams in [1, 3] {
      settings.numBeams = beams
      let together = try generator(prompts, settings)
      for (i, prompt) in prompts.enumerated() {
        #expect(try generator([prompt], settings)[0].tokens == together[i].tokens)
      }
    }
    settings.maxNewTokens = 1000
    settings.numBeams = 1
    #expect(try generator([[1, 2]], settings)[0].tokens.count == 89)
    #expect(throws: GenerationError.self) {
      _ = try generator([[Int](repeating: 1, count: 91)], settings)
    }
  }

  @Test func `A draft model changes nothing but the speed`() throws {
    let generator = TokenGenerator(Self.gpt)
    let draft = TokenGenerator(Self.gpt.mapTensors { $0 * 1.02 })
    var settings = GenerationSettings()
    settings.maxNewTokens = 60
    var stream = try generator.stream([1, 2, 3], draft: draft, settings)
    while stream.next() != nil {}
    #expect(Array(stream.text.continuation) == (try generator([[1, 2, 3]], settings)[0].tokens))
    #expect(stream.accepted > 0 && stream.accepted < stream.proposed)
  }
}

extension TokenMemoryTests {
  @Test func `Guidance weighs the prompt against its last token alone`() throws {
    let generator = TokenGenerator(Self.gpt)
    var settings = GenerationSettings()
    settings.guidanceScale = 2.5
    settings.maxNewTokens = 4
    var stream = try generator.stream([[1, 2, 3], [9, 8, 7, 6]], settings)
    var written: [Int32] = []
    while stream.next() != nil {
      func logits(_ prompt: [Int32]) -> Tensor {
        let ids = prompt + written
        return Self.gpt(Tensor(ids, shape: [1, ids.count])).element(1, -1).logSoftmax()
      }
      let (with, without) = (logits([1, 2, 3]), logits([3]))
      let expected = without + (with - without) * 2.5
      expectClose(Tensor(stream.scores[0], shape: expected.shape), expected)
      written.append(Int32(stream.texts[0].tokens.last ?? 0))
    }
    #expect(written.count == 4)
  }
}

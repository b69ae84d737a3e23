import Layers
import Models
import Tensors
import TestSupport
import Testing

/// The small networks that are here for their published weights, with weights of chance.
@Suite struct SmallNetworkTests {
  private static let key = RandomKey(seed: 3)

  @Test func `All tensors are named`() {
    #expect(forgottenTensors(in: SileroVAD(key: Self.key)) == [])
    #expect(forgottenTensors(in: VoiceEncoder(key: Self.key)) == [])
    #expect(forgottenTensors(in: PronunciationModel(key: Self.key)) == [])
    for sizes in [MTCNNConfiguration.proposal, .refinement, .output] {
      #expect(forgottenTensors(in: MTCNN(sizes, key: Self.key)) == [])
    }
  }

  @Test func `Speech in a stream is what it is in one piece, zeros at the end included`() {
    let vad = SileroVAD(key: Self.key)
    let sound = Self.key.fork(1).normal([2, 1300], .float32) * 0.3
    var (whole, stream) = (vad.start(batch: 2), vad.start(batch: 2))
    let expected = vad(sound, &whole)
    let first = vad(sound.sliced(1, 0..<1024), &stream)
    let second = vad(sound.sliced(1, 1024..<1300), &stream)
    let found = concatenate([first, second], axis: 1)
    #expect(expected.shape == [2, 3] && found.shape == [2, 3])
    #expect(vad(sound.sliced(1, 0..<0), &stream).shape == [2, 0])
    let pairs = [
      (found, expected), (stream.context, whole.context),
      (stream.memory.hidden, whole.memory.hidden),
    ]
    for (a, b) in pairs { #expect(ValueDifference(a, b).distance < 1e-5) }
  }

  @Test func `A phoneme depends on those before it, as a loop by hand shows`() {
    let model = PronunciationModel(width: 24, key: Self.key)
    let tokens = PronunciationModel.tokens(of: "Chirp")
    #expect(tokens == [5, 10, 11, 20, 18, 2])
    let state = model.encode(Tensor(tokens.map { Int32($0) }, shape: [1, 6]))
    let (phonemes, logits) = model.decode(state, limit: 4)
    #expect(phonemes.shape == [1, 4] && logits.shape == [1, 4, 74])
    var (hand, last) = (state, Int32(2))
    for step in 0..<4 {
      let input = model.phonemeTable(Tensor([last], shape: [1]))
      let expected = model.head(model.decoder(input, &hand))
      #expect(ValueDifference(logits.element(1, step), expected).distance < 1e-5)
      last = Int32(expected.argmax().doubles()[0])
      #expect(phonemes.element(1, step).doubles() == [Double(last)])
    }
    #expect(PronunciationModel.phonemes.count == 74)
    #expect(model.pronounce("Chirp", limit: 5).count <= 5)
  }

  @Test func `Voices are vectors of length one, each by itself`() {
    let encoder = VoiceEncoder(mels: 8, width: 16, layers: 2, key: Self.key)
    let mels = Self.key.fork(2).uniform([3, 12, 8], .float32)
    let (states, voices) = encoder(mels)
    #expect(states.map(\.shape) == [[3, 16], [3, 16]])
    for length in voices.square().sum([-1]).doubles() { #expect(abs(length - 1) < 1e-5) }
    let one = encoder(mels.sliced(0, 1..<2)).embedding
    #expect(ValueDifference(one, voices.sliced(0, 1..<2)).distance < 1e-5)
  }

  @Test func `The first network that finds faces slides, the others see one face`() {
    let (size, step) = (20, 2)
    let proposal = MTCNN(.proposal, key: Self.key)
    let picture = Self.key.fork(3).normal([1, size, size, 3], .float32)
    let maps = proposal(picture)
    #expect(maps.map(\.shape) == [[1, 5, 5, 2], [1, 5, 5, 4]])
    // What it says of the second place of both axes is what it says of that part of the picture alone.
    let part = picture.sliced(1, step..<step + 12).sliced(2, step..<step + 12)
    for (map, alone) in zip(maps, proposal(part)) {
      let place = map.sliced(1, 1..<2).sliced(2, 1..<2)
      #expect(ValueDifference(place, alone).distance < 1e-5)
    }
    let face = Self.key.fork(4).normal([2, 48, 48, 3], .float32)
    let results = MTCNN(.output, key: Self.key)(face)
    #expect(results.map(\.shape) == [[2, 2], [2, 4], [2, 10]])
  }
}

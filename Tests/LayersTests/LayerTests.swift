import Layers
import Tensors
import TestSupport
import Testing

@Suite("Layers")
struct LayerTests {
  @Test("visit forgets no tensor and names them as published", arguments: LayerSample.all)
  func visit(_ sample: LayerSample) {
    func check(_ layer: some Layer) {
      #expect(forgottenTensors(in: layer) == [])
      #expect(layer.leaves.map(\.name) == sample.names)
      #expect(layer.parameterCount == sample.parameters)
    }
    check(sample.layer)
  }

  @Test("a compiled step sees every plain value", arguments: LayerSample.all)
  func plainValues(_ sample: LayerSample) {
    func hash(_ layer: some Layer) -> Int { structure(of: layer) }
    #expect(hash(sample.layer) == hash(sample.layer))
    if let other = sample.other { #expect(hash(sample.layer) != hash(other)) }
  }

  @Test(
    "gradients agree with differences, in training and inference", arguments: LayerSample.all)
  func gradients(_ sample: LayerSample) {
    func check<L: Layer>(_ layer: L) {
      let layer = layer.randomized()
      for phase in [Phase.inference, .training(RandomKey(seed: 9))] {
        checkGradient(of: layer, at: sample.input) { (layer: inout L, x: Tensor) in
          layer(x, phase)
        }
      }
    }
    check(sample.layer)
  }

  @Test("inference through a constant equals inference through a variable")
  func constantInference() {
    let net = Sequential(BatchNorm(channels: 3), Linear(inputs: 3, outputs: 2, key: .init(seed: 1)))
      .randomized()
    var variable = net
    let x = RandomKey(seed: 2).normal([4, 3])
    #expect(net(x).floats() == variable(x, .inference).floats())
  }

  @Test("a training pass through an array, an optional and a sequence changes statistics inside")
  func statisticsInside() {
    let x = RandomKey(seed: 2).normal([4, 3])
    let phase = Phase.training(RandomKey(seed: 3))
    var array = [BatchNorm(channels: 3), BatchNorm(channels: 3)]
    var optional: BatchNorm? = BatchNorm(channels: 3)
    var sequence = Sequential(Activation.tanh, BatchNorm(channels: 3))
    _ = (array(x, phase), optional(x, phase), sequence(x, phase))
    #expect(array.map { $0.statistics!.batchCount.integers() } == [[1], [1]])
    #expect(optional!.statistics!.batchCount.integers() == [1])
    let counts = sequence.leaves.filter { $0.name == "1.num_batches_tracked" }
    #expect(counts.map { $0.tensor.integers() } == [[1]])
    let nothing: BatchNorm? = nil
    #expect(nothing(x).floats() == x.floats())
  }

  @Test("layers draw with keys of their own, the same key draws the same")
  func keys() {
    var net = Sequential(Dropout(0.5), Dropout(0.5))
    let one = Dropout(0.5)
    let x = Tensor.ones([1000])
    let phase = Phase.training(RandomKey(seed: 3))
    let twice = net(x, phase).floats()
    #expect(twice == net(x, phase).floats())
    #expect(Set(twice) == [0, 4])
    let kept = twice.filter { $0 > 0 }.count
    #expect((180...320).contains(kept), "a quarter passes both: \(kept)")
    #expect(one(x, .inference).floats() == x.floats())
    let depth = StochasticDepth(0.5)
    let rows = depth(Tensor.ones([100, 7]), phase).floats()
    let sums = stride(from: 0, to: 700, by: 7).map { rows[$0..<($0 + 7)].reduce(0, +) }
    #expect(Set(sums) == [0, 14])
  }

  @Test("a part that is not differentiated gets no gradient and does not move")
  func frozenParts() {
    struct Net: Module {
      var body = Linear(inputs: 3, outputs: 4, key: RandomKey(seed: 1))
      var norm = BatchNorm(channels: 4)
      var head = Linear(inputs: 4, outputs: 2, key: RandomKey(seed: 2))
      mutating func visit(_ visitor: inout Visitor) {
        visitor("body", &body)
        visitor("norm", &norm)
        visitor("head", &head)
      }
    }
    var net = Net()
    let before = net.body.weight.floats()
    let x = RandomKey(seed: 3).normal([5, 3])
    let (_, gradient) = valueAndGradient(updating: &net, at: \.head) { net in
      net.head(net.norm(net.body(x), .training(RandomKey(seed: 4)))).square().sum()
    }
    #expect(gradient.leaves.map(\.name) == ["weight", "bias"])
    #expect(gradient.weight.floats().contains { $0 != 0 })
    #expect(net.body.weight.floats() == before)
    #expect(net.norm.statistics!.batchCount.integers() == [1])
  }

  @Test("an embedding takes rows and its tied head is their product")
  func embedding() {
    let table = Embedding(count: 7, width: 4, key: RandomKey(seed: 1))
    #expect(forgottenTensors(in: table) == [])
    #expect(table.parameterCount == 28)
    let ids = Tensor([3, 0, 3, 6] as [Int32], shape: [2, 2])
    let rows = table(ids)
    #expect(rows.shape == [2, 2, 4])
    let weights = table.weight.floats()
    let expected: [Float] = [3, 0, 3, 6].flatMap { (id: Int) in weights[(id * 4)..<(id * 4 + 4)] }
    #expect(rows.floats() == expected)
    #expect(table.attend(rows).shape == [2, 2, 7])
    checkGradient(of: table, at: Tensor(1)) { table, scale in
      table.attend(table(ids) * scale.reshaped([1, 1, 1]))
    }
  }

  @Test("flattening puts channels before positions, as PyTorch does")
  func flatten() {
    let pictures = Tensor((0..<12).map { Float($0) }, shape: [1, 2, 3, 2])
    let flat = Flatten()(pictures)
    #expect(flat.shape == [1, 12])
    #expect(flat.floats() == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11])
  }
}

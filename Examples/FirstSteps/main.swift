// A network of two layers learns to tell garments apart: the smallest complete training program.

import Apus

struct Net: Module {
  var hidden: Linear
  var output: Linear

  func callAsFunction(_ x: Tensor) -> Tensor { output(hidden(x).relu()) }

  mutating func visit(_ visitor: inout Visitor) {
    visitor("hidden", &hidden)
    visitor("output", &output)
  }
}

struct State: Module {
  var net: Net
  var optimizer: Adam<Net>

  mutating func visit(_ visitor: inout Visitor) {
    visitor("net", &net)
    visitor("optimizer", &optimizer)
  }
}

let step = compiled { (state: inout State, batch: Pair<Tensor, Tensor>) in
  let (loss, gradient) = valueAndGradient(at: state.net) { net in
    crossEntropy(net(batch.first), batch.second)
  }
  state.optimizer.update(&state.net, along: gradient)
  return loss
}

/// Pictures [count, 784] between 0 and 1, and their classes [count].
func batch(_ data: LabeledPictures, _ range: Range<Int>) -> Pair<Tensor, Tensor> {
  let part = data[range]
  let pixels = Tensor(part.pixels, shape: [range.count, 784]).cast(to: .float32) / 255
  return Pair(pixels, Tensor(part.labels.map(Int32.init)))
}

let fashion = try FashionMNIST()
let key = RandomKey(seed: 1)
let net = Net(
  hidden: Linear(inputs: 784, outputs: 256, key: key.fork(0)),
  output: Linear(inputs: 256, outputs: 10, key: key.fork(1)))
var state = State(net: net, optimizer: AdamW(for: net))

let size = 100
for start in stride(from: 0, to: fashion.train.count - size, by: size) {
  let loss = step(&state, batch(fashion.train, start..<(start + size)))
  if start % 10_000 == 0 { print("after \(start) pictures the loss is \(loss.scalar)") }
}
let test = batch(fashion.test, 0..<fashion.test.count)
let isRight = state.net(test.first).argmax().equal(to: test.second)
print("accuracy \(isRight.cast(to: .float32).mean().scalar)")

import Foundation
import Layers
import Tensors
import TestSupport
import Testing
import XLA

@Suite(.ifPluginIsInstalled) struct XLADeviceTests {
  @Sendable private static func step(_ state: inout Tensor, _ batch: Tensor) -> Tensor {
    state = state * 0.9 + matrixProduct(batch, state).mean()
    return state.sum()
  }
  private let start = normal([3, 2]).cast(to: .float32)
  private let batch = normal([4, 3], 2).cast(to: .float32)

  @Test func `A value computed on a plugin is the CPU's`() throws {
    let device = try Device.xla(plugin: "cpu")
    let x = start.evaluated()
    func f() -> Tensor { (x.tanh() * 2 + 1).sum([1]) }
    let y = device.run { f().floats() }
    #expect(distance(Tensor(y), f()) < 1e-6)
    #expect(distance(try f().evaluated(on: device), f()) < 1e-6)
  }

  @Test func `A value goes from device to device as it is needed`() throws {
    let device = try Device.xla(plugin: "cpu")
    let other = try Device.xla(plugin: "cpu", index: 1)
    let x = try (start + 1).evaluated(on: device)
    let y = try (x.reshaped([2, 3]) * 2).evaluated(on: other)
    let z = (y.reshaped([6]) - 1).evaluated()
    let w = try (z.reshaped([3, 2]) + x).evaluated(on: device)
    #expect(distance(w, (start + 1) * 3 - 1) < 1e-6)
  }

  @Test func `The state of a compiled step stays on the device and is written in place`() throws {
    let device = try Device.xla(plugin: "cpu")
    let step = compiled(Self.step)
    var (there, here) = (start, start)
    for _ in 0..<10 {
      let loss = try step(&there, batch, on: device)
      #expect(distance(loss, step(&here, batch)) < 1e-5)
    }
    // A copy that is kept does not change, and the step goes on from what is not kept.
    let kept = there
    for _ in 0..<3 { _ = try step(&there, batch, on: device) }
    #expect(distance(kept, here) < 1e-5)
    #expect(distance(there, here) > 1e-3)
  }

  @Test func `A compiled step runs where its task is`() throws {
    let device = try Device.xla(plugin: "cpu")
    let step = compiled(Self.step)
    var (there, here) = (start, start)
    device.run { for _ in 0..<3 { _ = step(&there, batch) } }
    for _ in 0..<3 { _ = step(&here, batch) }
    #expect(distance(there, here) < 1e-5)
    #expect(step.programCount == 2)
  }

  @Test func `More memory than there is can be asked for, and the state stays`() throws {
    let device = try Device.xla(plugin: "cpu")
    let step = compiled { (state: inout Tensor, batch: Tensor) -> Tensor in
      let large = batch.reshaped([1, 1, 1]).broadcast(to: [1 << 20, 1 << 12, 1 << 10])
      state = state + 1
      return large
    }
    var state = start
    #expect {
      _ = try step(&state, Tensor([1 as Float], shape: []), on: device)
      try device.synchronize()
    } throws: { error in
      guard case .outOfMemory(_, let message) = error as? XLAError else { return false }
      return !message.isEmpty
    }
    // The device goes on.
    #expect(distance(try (start * 2).evaluated(on: device), start * 2) == 0)
  }

  @Test func `Ten thousand executions leave nothing behind`() throws {
    let device = try Device.separate(try #require(TestPlugin.path))
    let step = compiled { (state: inout Tensor, batch: Tensor) -> Tensor in
      state = state + batch
      return state.sum()
    }
    var state = Tensor([Float](repeating: 0, count: 4096))
    let one = Tensor([Float](repeating: 1, count: 4096))
    func run(_ count: Int) throws {
      for _ in 0..<count { _ = try step(&state, one, on: device) }
      try device.synchronize()
    }
    try run(1000)
    let before = device.liveObjects
    try run(10_000)
    #expect(device.liveObjects == before)
    #expect(state.floats()[17] == 11_000)
  }

  @Test func `Clients come and go`() throws {
    let path = try #require(TestPlugin.path)
    for _ in 0..<10 {
      weak var client: AnyObject?
      do {
        let device = try Device.separate(path)
        client = device.client
        #expect(client != nil)
        // Tensors and a program of its own: a tensor keeps its copy on a device, and so the client, and evaluations keep
        // their programs.
        let step = compiled { (state: inout Tensor, batch: Tensor) -> Tensor in
          state = state + batch
          return state * 2
        }
        var state = Tensor([Float(1), 2])
        #expect(try step(&state, Tensor([Float(1), 1]), on: device).floats() == [4, 6])
      }
      #expect(client == nil)
    }
  }
}

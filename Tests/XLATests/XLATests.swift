import Layers
import Tensors
import TestSupport
import Testing
import XLA

@Suite(.ifPluginIsInstalled) struct XLADeviceTests {
  @Test func `A value computed on a plugin is that of the CPU`() throws {
    let device = try Device.xla(plugin: "cpu")
    let x = normal([3, 4]).cast(to: .float32).evaluated()
    func f() -> Tensor { (x.tanh() * 2 + 1).sum([1]) }
    let y = device.run { f().floats() }
    #expect(distance(Tensor(y), f()) < 1e-6)
  }
}

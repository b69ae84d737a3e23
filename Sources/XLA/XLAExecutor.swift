internal import CPJRT
internal import Foundation
internal import StableHLO
package import Tensors

/// Runs programs on one device of a plugin, or on several as replicas.
@safe
final class XLAExecutor: Executor {
  let name: String
  let client: Client
  let devices: [Client.DeviceOfClient]

  init(_ client: Client, _ devices: [Client.DeviceOfClient], name: String) {
    self.client = client
    self.devices = devices
    self.name = name
  }

  var replicaCount: Int { devices.count }

  func synchronize() throws { try client.synchronize(name) }

  func compile(_ program: Program, _ roles: ArgumentRoles) throws -> any Executable {
    let text = program.stableHLO(roles, replicaCount: replicaCount)
    var options = CompileOptions(devices: devices.map(\.id))
    // Without it, a maximum over an axis on CPUs passes over NaN.
    if client.platform == "cpu" { options.flags["xla_cpu_enable_fast_min_max"] = false }
    let handle = try compile(text, options.bytes)
    return try XLAExecutable(handle, program, roles, self)
  }

  private func compile(_ text: String, _ options: [UInt8]) throws(XLAError) -> Handle {
    let file = ExecutableFile.standard(for: text, options, client)
    if let bytes = file?.read(), let handle = try? load(bytes) { return handle }
    let handle = try compiled(text, options)
    if let file, let bytes = try? serialized(handle) { file.write(bytes) }
    return handle
  }

  private func compiled(_ text: String, _ options: [UInt8]) throws(XLAError) -> Handle {
    var text = text
    let (plugin, client) = (client.plugin, client.handle)
    var executable: OpaquePointer?
    let error = text.withUTF8 { code in
      unsafe options.withUnsafeBytes { options in
        unsafe apus_pjrt_compile(
          plugin.api, client.pointer, code.baseAddress, code.count,
          options.baseAddress, options.count, &executable)
      }
    }
    do throws(XLAError) {
      unsafe try plugin.check(error, "compiling a program", on: name)
    } catch .failed(_, _, let message) {
      throw .refused(device: name, message: message)
    }
    return unsafe Handle(executable, APUS_PJRT_EXECUTABLE, plugin, in: client)
  }

  private func load(_ bytes: [UInt8]) throws(XLAError) -> Handle {
    var executable: OpaquePointer?
    unsafe try client.plugin.check(
      bytes.withUnsafeBytes {
        unsafe apus_pjrt_load(
          client.plugin.api, client.handle.pointer, $0.baseAddress, $0.count, &executable)
      }, "loading a compiled program", on: name)
    return unsafe Handle(executable, APUS_PJRT_EXECUTABLE, client.plugin, in: client.handle)
  }

  private func serialized(_ executable: Handle) throws(XLAError) -> [UInt8] {
    var (bytes, count) = unsafe (UnsafeMutablePointer<CChar>?.none, 0)
    unsafe try client.plugin.check(
      apus_pjrt_serialize(client.plugin.api, executable.pointer, &bytes, &count),
      "saving a compiled program", on: name)
    defer { unsafe free(bytes) }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
  }
}

extension Program {
  /// The program as a StableHLO module, whose argument and result order is its own.
  package func stableHLO(_ roles: ArgumentRoles = ArgumentRoles(), replicaCount: Int = 1) -> String
  {
    let arguments = (0..<inputCount).map {
      FunctionArgument(types[$0].hlo, donation: roles.donated.contains($0) ? .anyOutput : .none)
    }
    var function = FunctionBuilder(arguments: arguments, replicaCount: replicaCount)
    let results = emit(function.arguments, into: &function)
    return ModuleText([function.finish(returning: results)]).text
  }
}

internal import CPJRT
internal import Synchronization
internal import Tensors

/// A program compiled by a plugin.
@safe
final class XLAExecutable: Executable {
  private let handle: Handle
  private let executor: XLAExecutor
  private let roles: ArgumentRoles
  private let argumentTypes: [TensorType]
  private let resultTypes: [TensorType]

  /// The plugin plans its memory itself.
  let arenaByteCount = 0

  init(
    _ handle: Handle, _ program: Program, _ roles: ArgumentRoles, _ executor: XLAExecutor
  ) throws(XLAError) {
    self.handle = handle
    self.executor = executor
    self.roles = roles
    argumentTypes = Array(program.types[..<program.inputCount])
    resultTypes = program.outputs.map { program.types[$0] }
    var count = 0
    let plugin = executor.client.plugin
    unsafe try plugin.check(
      apus_pjrt_output_count(plugin.api, handle.pointer, &count), "asking for results",
      on: executor.name)
    guard count == resultTypes.count else {
      throw .refused(
        device: executor.name, message: "it has \(count) results, not \(resultTypes.count)")
    }
  }

  func run(_ arguments: inout [Storage]) throws -> [Storage] {
    // What somebody else holds is not given away.
    var kept: [Int64] = []
    for i in roles.donated where !isKnownUniquelyReferenced(&arguments[i]) {
      kept.append(Int64(i))
    }
    let buffers = try zip(arguments, argumentTypes).enumerated().map { i, argument in
      try buffer(argument.0, argument.1, isSplit: roles.split.contains(i))
    }
    let results = try launch(buffers, kept)
    arguments = []
    return results
  }

  /// The argument in the devices' memory. The plugin checks neither types nor devices, so they are compared here.
  private func buffer(_ storage: Storage, _ type: TensorType, isSplit: Bool) throws -> XLABuffer {
    let executor = executor
    let found = unsafe try storage.onDevice {
      ($0 as? XLABuffer)?.serves(executor, type, isSplit: isSplit) ?? false
    } copied: { memory in
      unsafe try upload(memory, storage.byteCount, type, isSplit: isSplit)
    }
    return found as! XLABuffer
  }

  private func upload(
    _ memory: UnsafeRawPointer, _ byteCount: Int, _ type: TensorType, isSplit: Bool
  ) throws -> XLABuffer {
    let count = executor.devices.count
    guard byteCount == type.byteCount * (isSplit ? count : 1) else {
      throw ShapeError("\(byteCount) bytes are no \(type) for each of \(count) devices")
    }
    let (client, sizes) = (executor.client, type.shape.map(Int64.init))
    let parts = try executor.devices.enumerated().map { i, device in
      var buffer: OpaquePointer?
      unsafe try client.plugin.check(
        apus_pjrt_upload(
          client.plugin.api, client.handle.pointer, memory + (isSplit ? i * type.byteCount : 0),
          type.dataType.pjrt, sizes, sizes.count, device.pointer, &buffer),
        "copying \(type)", on: executor.name)
      return unsafe Handle(buffer, APUS_PJRT_BUFFER, client.plugin, in: client.handle)
    }
    return XLABuffer(parts, type, isSplit: isSplit, executor)
  }

  private func launch(_ arguments: [XLABuffer], _ kept: [Int64]) throws -> [Storage] {
    let (client, devices) = (executor.client, executor.devices.count)
    let plugin = client.plugin
    let pointers = unsafe (0..<devices).flatMap { device in
      unsafe arguments.map { unsafe Optional($0.parts[device].pointer) }
    }
    var results = unsafe [OpaquePointer?](repeating: nil, count: devices * resultTypes.count)
    var events = unsafe [OpaquePointer?](repeating: nil, count: devices)
    func execute() -> OpaquePointer? {
      unsafe apus_pjrt_execute(
        plugin.api, handle.pointer, devices, pointers, arguments.count, kept, kept.count, &results,
        resultTypes.count, &events)
    }
    if devices == 1 {
      unsafe try plugin.check(execute(), "a program", on: executor.name)
    } else {
      try client.launchOrder.withLock { _ in
        unsafe try plugin.check(execute(), "a program", on: executor.name)
      }
    }
    let buffers = unsafe results.map {
      unsafe Handle($0, APUS_PJRT_BUFFER, plugin, in: client.handle)
    }
    let launched = unsafe events.map {
      unsafe Handle($0, APUS_PJRT_EVENT, plugin, in: client.handle)
    }
    try client.remember(launched, on: executor.name)
    return resultTypes.indices.map { i in
      let parts = (0..<devices).map { buffers[$0 * resultTypes.count + i] }
      let type = resultTypes[i]
      return Storage(
        XLABuffer(parts, type, isSplit: false, executor), byteCount: type.byteCount)
    }
  }
}

internal import Synchronization
public import Tensors

extension Device {
  /// A device of a plugin.
  /// - Parameters:
  ///   - plugin: A platform ("cuda", "rocm", "tpu", "cpu") or the file of a plugin; nil: see `Plugin.find`.
  ///   - index: The device's number among those of the plugin, from 0.
  /// - Throws: `XLAError` where there is no such plugin or device.
  public static func xla(plugin: String? = nil, index: Int = 0) throws(XLAError) -> Device {
    try xla(plugin: plugin, devices: index..<(index + 1))
  }

  /// Several devices of a plugin that compute every step together, each on its part of the batch. For plugins of CPUs any
  /// number can be asked for; they share the cores.
  /// - Parameter devices: Numbers of devices, from 0.
  /// - Throws: `XLAError` where there is no such plugin or device.
  public static func xla(plugin: String? = nil, devices: Range<Int>) throws(XLAError) -> Device {
    guard devices.lowerBound >= 0, !devices.isEmpty else {
      throw .noDevice(plugin: plugin ?? "XLA", number: devices.lowerBound, count: devices.count)
    }
    let path: String
    if let plugin, Platform(rawValue: plugin) == nil {
      path = plugin
    } else {
      path = try Plugin.find(plugin.flatMap(Platform.init(rawValue:)))
    }
    return try OpenDevices.device(path, devices)
  }

  /// The device of a name: "cpu", "xla" (the first plugin found), "xla:cuda", "xla:cuda:1", "xla:FILE", "xla:FILE:0".
  /// - Throws: `XLAError` where the name means nothing, or there is no such device.
  public init(named name: String) throws(XLAError) {
    if name == "cpu" {
      self = .cpu
      return
    }
    var parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.removeFirst() == "xla", !parts.contains("") else { throw .malformedName(name) }
    var index = 0
    if let last = parts.last, let number = Int(last) {
      index = number
      parts.removeLast()
    }
    self = try .xla(plugin: parts.isEmpty ? nil : parts.joined(separator: ":"), index: index)
  }
}

extension Plugin {
  /// The kinds of the plugin's devices, such as "NVIDIA H100", one for each.
  /// - Throws: `XLAError` where no device can be opened.
  public func deviceKinds() throws(XLAError) -> [String] {
    try OpenDevices.client(path).devices.map(\.kind)
  }
}

/// Devices that are open: one client for each plugin, and one `Device` for each of its devices, so that equal names mean
/// the same device. Plugins of CPUs get another client where more devices are asked for than theirs has.
private enum OpenDevices {
  private struct Key: Hashable {
    let path: String
    let devices: Range<Int>
  }
  private struct State {
    var clients: [String: Client] = [:]
    var devices: [Key: Device] = [:]
  }
  private static let state = Mutex(State())

  static func device(_ path: String, _ devices: Range<Int>) throws(XLAError) -> Device {
    let result = state.withLock { state -> Result<Device, XLAError> in
      let key = Key(path: path, devices: devices)
      if let known = state.devices[key] { return .success(known) }
      do throws(XLAError) {
        let client = try client(path, atLeast: devices.upperBound, &state)
        let device = try Device(client, devices)
        state.devices[key] = device
        return .success(device)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  static func client(_ path: String) throws(XLAError) -> Client {
    let result = state.withLock { state -> Result<Client, XLAError> in
      do throws(XLAError) {
        return .success(try client(path, atLeast: 1, &state))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func client(_ path: String, atLeast count: Int, _ state: inout State)
    throws(XLAError) -> Client
  {
    if let known = state.clients[path], known.devices.count >= count || known.platform != "cpu" {
      return known
    }
    let client = try Client(Plugin.open(path), cpuDevices: count)
    state.clients[path] = client
    return client
  }
}

extension Device {
  init(_ client: Client, _ numbers: Range<Int>) throws(XLAError) {
    guard numbers.upperBound <= client.devices.count else {
      throw .noDevice(
        plugin: client.plugin.path, number: numbers.upperBound - 1, count: client.devices.count)
    }
    let devices = numbers.map { "\($0)" }.joined(separator: ",")
    self.init(
      XLAExecutor(
        client, Array(client.devices[numbers]), name: "xla:\(client.platform):\(devices)"))
  }

  /// The plugin's client behind the device; nil for the CPU.
  package var client: AnyObject? { (executor as? XLAExecutor)?.client }
  /// Buffers, executables and events of the client that are alive.
  package var liveObjects: Int {
    (executor as? XLAExecutor)?.client.handle.dependents.load(ordering: .relaxed) ?? 0
  }

  /// A device of a client of its own, closed with the last value on it.
  package static func separate(_ path: String, devices: Range<Int> = 0..<1) throws(XLAError)
    -> Device
  {
    try Device(Client(Plugin.open(path), cpuDevices: devices.upperBound), devices)
  }
}

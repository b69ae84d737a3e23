internal import CPJRT
internal import Synchronization
internal import Tensors

/// The devices of a plugin, opened for this process.
@safe
final class Client: Sendable {
  let plugin: Plugin
  let handle: Handle
  /// Such as "cpu" or "cuda".
  let platform: String
  /// What decides whether compiled code can be used again: platform, its version, devices.
  let identity: String
  let devices: [DeviceOfClient]

  /// A device; it belongs to its client.
  @safe struct DeviceOfClient: Sendable {
    /// Handed to the plugin only, whose objects any thread may use.
    nonisolated(unsafe) let pointer: OpaquePointer
    let id: Int
    let kind: String
  }

  /// Launches that nobody waited for yet.
  private let launched = Mutex<[Handle]>([])
  /// Launches on several devices must reach all of them in one order.
  let launchOrder = Mutex<Void>(())

  /// - Parameter cpuDevices: how many devices a plugin for CPUs shall make of the cores.
  init(_ plugin: Plugin, cpuDevices: Int) throws(XLAError) {
    self.plugin = plugin
    handle = try Client.create(plugin, cpuDevices)
    let handle = handle
    platform = try Client.text(APUS_PJRT_PLATFORM_NAME, plugin, handle)
    let version = try Client.text(APUS_PJRT_PLATFORM_VERSION, plugin, handle)
    devices = try Client.devices(plugin, handle)
    let kinds = Set(devices.map(\.kind)).sorted().joined(separator: " ")
    let attributes = plugin.attributes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    identity = ([plugin.version, platform, version, kinds] + attributes).joined(separator: "\n")
  }

  private static func create(_ plugin: Plugin, _ cpuDevices: Int) throws(XLAError) -> Handle {
    // A plugin refuses options that it does not know, so they go by what the file is.
    let name = plugin.path.split(separator: "/").last ?? ""
    if name.contains("cpu") {
      do throws(XLAError) {
        return try create(plugin, "cpu_device_count", APUS_PJRT_INTEGER, cpuDevices)
      } catch .failed {}
    } else if name.contains("cuda") || name.contains("rocm") {
      // Memory as it is needed, so that others can use the device too.
      do throws(XLAError) {
        return try create(plugin, "preallocate", APUS_PJRT_BOOL, 0)
      } catch .failed {}
    }
    return try create(plugin)
  }

  private static func create(
    _ plugin: Plugin, _ option: String? = nil, _ kind: apus_pjrt_kind = APUS_PJRT_INTEGER,
    _ value: Int = 0
  ) throws(XLAError) -> Handle {
    var client: OpaquePointer?
    unsafe try plugin.check(
      apus_pjrt_client_create(plugin.api, option, kind, Int64(value), &client),
      "opening the devices of \(plugin.path)", on: plugin.path)
    return unsafe Handle(client, APUS_PJRT_CLIENT, plugin, in: nil)
  }

  private static func text(_ what: apus_pjrt_text, _ plugin: Plugin, _ client: Handle)
    throws(XLAError) -> String
  {
    var (characters, count) = unsafe (UnsafePointer<CChar>?.none, 0)
    unsafe try plugin.check(
      apus_pjrt_client_text(plugin.api, what, client.pointer, &characters, &count),
      "asking for the platform", on: plugin.path)
    return unsafe Plugin.text(characters, count)
  }

  private static func devices(_ plugin: Plugin, _ client: Handle) throws(XLAError)
    -> [DeviceOfClient]
  {
    var (list, count) = unsafe (UnsafePointer<OpaquePointer?>?.none, 0)
    unsafe try plugin.check(
      apus_pjrt_client_devices(plugin.api, client.pointer, &list, &count),
      "asking for devices", on: plugin.path)
    var devices: [DeviceOfClient] = []
    for i in 0..<count {
      let device = unsafe list![i]!
      var (id, kind, size) = unsafe (Int32(0), UnsafePointer<CChar>?.none, 0)
      unsafe try plugin.check(
        apus_pjrt_device(plugin.api, device, &id, &kind, &size), "asking for a device",
        on: plugin.path)
      unsafe devices.append(
        DeviceOfClient(pointer: device, id: Int(id), kind: Plugin.text(kind, size)))
    }
    return devices
  }

  // MARK: Launches

  /// Remembers the events of a launch, one per device, and waits where too many are under way: each has taken memory for
  /// its results already, and devices of one CPU that wait for each other need its threads.
  func remember(_ events: [Handle], on device: String) throws(XLAError) {
    let limit = 8 * events.count
    let done = launched.withLock { launched in
      launched += events
      let done = Array(launched.prefix(max(launched.count - limit, 0)))
      launched.removeFirst(done.count)
      return done
    }
    try wait(done, on: device)
  }

  /// Waits for all launches.
  func synchronize(_ device: String) throws(XLAError) {
    let all = launched.withLock { launched in
      defer { launched = [] }
      return launched
    }
    try wait(all, on: device)
  }

  private func wait(_ events: [Handle], on device: String) throws(XLAError) {
    var first: XLAError?
    for event in events {
      do throws(XLAError) {
        unsafe try plugin.check(
          apus_pjrt_await(plugin.api, event.pointer), "a program", on: device)
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
  }
}

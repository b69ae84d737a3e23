internal import CPJRT
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A shared library that compiles and runs programs on devices of one kind. Loaded once, until the process ends.
@safe
public final class Plugin: Sendable {
  /// The library's file.
  public let path: String
  /// The version of the PJRT interface, such as "0.115".
  public let version: String
  /// What the plugin says of itself, such as `xla_version` and `stablehlo_current_version`.
  public let attributes: [String: String]
  /// The plugin's table of functions, which never changes; any thread may call them.
  nonisolated(unsafe) let api: OpaquePointer

  /// The oldest minor version whose functions stand where they are called.
  static let oldestMinor: Int32 = 70

  private static let opened = Mutex<[String: Plugin]>([:])

  /// The plugin in a file; one file is opened once.
  /// - Throws: `XLAError` where the file is no plugin, or of a version that cannot be used.
  public static func open(_ path: String) throws(XLAError) -> Plugin {
    let result = opened.withLock { opened -> Result<Plugin, XLAError> in
      if let known = opened[path] { return .success(known) }
      do throws(XLAError) {
        let plugin = try Plugin(path)
        opened[path] = plugin
        return .success(plugin)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private init(_ path: String) throws(XLAError) {
    self.path = path
    var message = [CChar](repeating: 0, count: 1024)
    var api: OpaquePointer?
    switch unsafe apus_pjrt_open(path, &api, &message, message.count) {
    case APUS_PJRT_OPENED: break
    case APUS_PJRT_NO_LIBRARY:
      let end = message.firstIndex(of: 0) ?? 0
      let reason = String(decoding: message[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw .notLoadable(path: path, reason: reason)
    case APUS_PJRT_NO_FUNCTION: throw .notAPlugin(path: path)
    default: throw .notLoadable(path: path, reason: "GetPjrtApi gives no table of functions")
    }
    guard let api = unsafe api else { throw .notAPlugin(path: path) }
    unsafe self.api = api
    var (major, minor) = (Int32(0), Int32(0))
    unsafe apus_pjrt_version(api, &major, &minor)
    version = "\(major).\(minor)"
    guard major == 0, minor >= Plugin.oldestMinor, unsafe apus_pjrt_is_complete(api) else {
      throw .unsupportedVersion(
        path: path, found: version, needed: "0.\(Plugin.oldestMinor) or a later 0.x")
    }
    unsafe try Plugin.check(apus_pjrt_initialize(api), api, "starting \(path)", path)
    attributes = unsafe try Plugin.attributes(api, path)
  }

  private static func attributes(_ api: OpaquePointer, _ path: String) throws(XLAError)
    -> [String: String]
  {
    var (values, count) = unsafe (UnsafePointer<apus_pjrt_value>?.none, 0)
    unsafe try check(
      apus_pjrt_attributes(api, &values, &count), api, "asking for the plugin's attributes", path)
    var attributes: [String: String] = [:]
    for i in 0..<count {
      let value = unsafe values![i]
      unsafe attributes[text(value.name, value.name_size)] = description(value)
    }
    return attributes
  }

  private static func description(_ value: apus_pjrt_value) -> String {
    switch unsafe UInt32(value.kind) {
    case APUS_PJRT_STRING.rawValue: unsafe text(value.value.string, value.count)
    case APUS_PJRT_INTEGER.rawValue: unsafe "\(value.value.integer)"
    case APUS_PJRT_INTEGERS.rawValue:
      unsafe UnsafeBufferPointer(start: value.value.integers, count: value.count)
        .map { "\($0)" }.joined(separator: ".")
    case APUS_PJRT_FLOAT.rawValue: unsafe "\(value.value.real)"
    default: unsafe "\(value.value.flag)"
    }
  }

  /// Characters that the plugin owns.
  static func text(_ characters: UnsafePointer<CChar>?, _ count: Int) -> String {
    unsafe String(
      decoding: UnsafeRawBufferPointer(start: characters, count: characters == nil ? 0 : count),
      as: UTF8.self)
  }

  // MARK: Errors

  /// Turns what a call returns into an error at once, so that no error of the plugin stays behind.
  func check(_ error: OpaquePointer?, _ operation: @autoclosure () -> String, on device: String)
    throws(XLAError)
  {
    unsafe try Plugin.check(error, api, operation(), device)
  }

  private static func check(
    _ error: OpaquePointer?, _ api: OpaquePointer, _ operation: @autoclosure () -> String,
    _ device: String
  ) throws(XLAError) {
    guard let error = unsafe error else { return }
    let code = unsafe Int(apus_pjrt_error_code(api, error))
    var (characters, count) = unsafe (UnsafePointer<CChar>?.none, 0)
    unsafe apus_pjrt_error_message(api, error, &characters, &count)
    let message = unsafe text(characters, count)
    unsafe apus_pjrt_error_destroy(api, error)
    let outOfMemory = 8
    throw code == outOfMemory
      ? .outOfMemory(device: device, message: message)
      : .failed(operation: operation(), code: code, message: message)
  }
}

/// An object of a plugin, destroyed with the last reference to it, before what it belongs to.
@safe
final class Handle: Sendable {
  /// Handed to the plugin only, whose objects any thread may use.
  nonisolated(unsafe) let pointer: OpaquePointer
  private let kind: apus_pjrt_handle
  private let plugin: Plugin
  /// What must outlive the object: the client.
  private let owner: Handle?
  /// Objects alive that this one must outlive.
  let dependents = Atomic<Int>(0)

  /// - Parameter pointer: what a call that succeeded made.
  init(_ pointer: OpaquePointer?, _ kind: apus_pjrt_handle, _ plugin: Plugin, in owner: Handle?) {
    guard let pointer = unsafe pointer else { fatalError("\(plugin.path) made nothing") }
    unsafe self.pointer = pointer
    self.kind = kind
    self.plugin = plugin
    self.owner = owner
    owner?.dependents.add(1, ordering: .relaxed)
  }

  deinit {
    unsafe apus_pjrt_destroy(plugin.api, kind, pointer)
    owner?.dependents.subtract(1, ordering: .relaxed)
  }
}

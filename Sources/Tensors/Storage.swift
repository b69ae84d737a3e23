internal import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The memory of one computed value: on the host, aligned to 64 bytes, or on a device, and copied to the other where it is
/// needed there; freed with its last reference.
///
/// This is the one `@unchecked Sendable` of the core. A storage is written by the executor before anybody else sees it,
/// and again only after a uniqueness test has shown that nobody else holds it.
@safe
public final class Storage: @unchecked Sendable {
  package let byteCount: Int
  /// nil for a value that was computed on a device.
  private let memory: UnsafeMutableRawPointer?
  /// Keeps foreign memory alive (a mapped file); nil where the memory is our own.
  private let owner: AnyObject?
  private let copies: Mutex<Copies>

  /// The same value elsewhere.
  private struct Copies {
    var onDevice: (any DeviceBuffer)?
    var onHost: Storage?
  }

  /// Uninitialised memory of `byteCount` bytes.
  package init(byteCount: Int) {
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, 64, max(byteCount, 64)) == 0, let memory = unsafe memory
    else {
      fail("out of memory: \(byteCount) bytes were asked for")
    }
    unsafe self.memory = memory
    self.byteCount = byteCount
    owner = nil
    copies = Mutex(Copies())
  }

  /// Memory that belongs to `owner` and is never written.
  package init(reading pointer: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    unsafe memory = UnsafeMutableRawPointer(mutating: pointer)
    self.byteCount = byteCount
    self.owner = owner
    copies = Mutex(Copies())
  }

  /// A value that a device computes.
  package init(_ buffer: any DeviceBuffer, byteCount: Int) {
    unsafe memory = nil
    self.byteCount = byteCount
    owner = nil
    copies = Mutex(Copies(onDevice: buffer))
  }

  deinit {
    if owner == nil { unsafe free(memory) }
  }

  /// Whether the host's memory may be written once nobody else holds it: a copy on a device would not follow.
  package var isWritable: Bool {
    unsafe memory != nil && owner == nil && copies.withLock { $0.onDevice == nil }
  }

  /// The host's memory; fetches a value that is elsewhere.
  package var pointer: UnsafeMutableRawPointer {
    do {
      return unsafe try hostPointer()
    } catch {
      Device.failed(error)
    }
  }

  private func hostPointer() throws -> UnsafeMutableRawPointer {
    if let memory = unsafe memory { return unsafe memory }
    if let copy = copies.withLock({ $0.onHost }) { return unsafe copy.pointer }
    guard let buffer = copies.withLock({ $0.onDevice }) else { fail("a value is nowhere") }
    let copy = try buffer.fetch()
    copies.withLock { $0.onHost = copy }
    return unsafe copy.pointer
  }

  /// The value on a device: where it is already, if that `isUsable`, else as `copied` from the host's memory.
  package func onDevice(
    if isUsable: (any DeviceBuffer) -> Bool,
    copied: (UnsafeRawPointer) throws -> any DeviceBuffer
  ) throws -> any DeviceBuffer {
    if let buffer = copies.withLock({ $0.onDevice }), isUsable(buffer) { return buffer }
    let made = unsafe try copied(hostPointer())
    copies.withLock { $0.onDevice = made }
    return made
  }

  package func load<T: BitwiseCopyable>(_ index: Int, as type: T.Type) -> T {
    unsafe pointer.load(fromByteOffset: index * MemoryLayout<T>.stride, as: type)
  }

  package func store<T: BitwiseCopyable>(_ value: T, at index: Int) {
    unsafe pointer.storeBytes(of: value, toByteOffset: index * MemoryLayout<T>.stride, as: T.self)
  }

  /// The elements as an array of `T`.
  package func array<T: BitwiseCopyable>(of type: T.Type, count: Int) -> [T] {
    guard count > 0 else { return [] }
    return unsafe [T](
      UnsafeBufferPointer(start: pointer.assumingMemoryBound(to: T.self), count: count))
  }

  /// A storage that holds the elements of `array`.
  package convenience init<T: BitwiseCopyable>(_ array: [T]) {
    self.init(byteCount: array.count * MemoryLayout<T>.stride)
    unsafe array.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress {
        unsafe pointer.copyMemory(from: base, byteCount: bytes.count)
      }
    }
  }
}

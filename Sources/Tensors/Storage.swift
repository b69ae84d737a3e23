#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The memory of one computed value: aligned to 64 bytes, freed with its last reference.
///
/// This is the one `@unchecked Sendable` of the core. A storage is written by the executor before anybody else sees it,
/// and again only after a uniqueness test has shown that nobody else holds it.
@safe
public final class Storage: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  /// Keeps foreign memory alive (a mapped file); nil where the memory is our own.
  private let owner: AnyObject?

  /// Uninitialised memory of `byteCount` bytes.
  package init(byteCount: Int) {
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, 64, max(byteCount, 64)) == 0, let memory = unsafe memory
    else {
      fail("out of memory: \(byteCount) bytes were asked for")
    }
    unsafe pointer = memory
    self.byteCount = byteCount
    owner = nil
  }

  /// Memory that belongs to `owner` and is never written.
  package init(reading pointer: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    unsafe self.pointer = UnsafeMutableRawPointer(mutating: pointer)
    self.byteCount = byteCount
    self.owner = owner
  }

  deinit {
    if owner == nil { unsafe free(pointer) }
  }

  /// Whether the memory may be written once nobody else holds it.
  package var isOwned: Bool { owner == nil }

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

// Runs C kernels on Swift arrays, with one and with two threads, and checks what every kernel promises.

import CKernels
import Synchronization
import Testing

/// A block of memory, aligned and with a guarded end.
@safe
final class Memory {
  @safe let start: UnsafeMutableRawPointer
  let byteCount: Int
  private static let guardBytes = 64

  init<Element: BitwiseCopyable>(_ values: [Element]) {
    byteCount = values.count * MemoryLayout<Element>.stride
    start = .allocate(byteCount: byteCount + Self.guardBytes, alignment: 64)
    unsafe values.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress, byteCount > 0 {
        unsafe start.copyMemory(from: base, byteCount: byteCount)
      }
    }
    unsafe (start + byteCount).initializeMemory(
      as: UInt8.self, repeating: 0xA5, count: Self.guardBytes)
  }

  convenience init<Element: BitwiseCopyable>(_ count: Int, of value: Element) {
    self.init([Element](repeating: value, count: count))
  }

  deinit { unsafe start.deallocate() }

  func values<Element: BitwiseCopyable>(_ type: Element.Type = Element.self) -> [Element] {
    let count = byteCount / MemoryLayout<Element>.stride
    let typed = unsafe start.assumingMemoryBound(to: type)
    return unsafe [Element](UnsafeBufferPointer(start: typed, count: count))
  }

  /// Whether nothing was written past the end.
  var isIntact: Bool {
    for i in 0..<Self.guardBytes
    where unsafe start.load(fromByteOffset: byteCount + i, as: UInt8.self) != 0xA5 {
      return false
    }
    return true
  }

  func restore(_ bytes: [UInt8]) {
    for (i, byte) in bytes.enumerated() {
      unsafe start.storeBytes(of: byte, toByteOffset: i, as: UInt8.self)
    }
  }
}

private let setting = Mutex(())

/// The instruction sets of this processor.
let instructionSets: [String] = setting.withLock { _ in
  let current = unsafe String(cString: apus_instruction_set())
  defer { unsafe apus_force_instruction_set(current) }
  return ["avx512", "avx2", "neon", "baseline"].filter {
    unsafe apus_force_instruction_set($0) != 0
  }
}

/// The products of an instruction set.
func multiplier(on instructionSet: String) -> apus_multiplier {
  setting.withLock { _ in
    let current = unsafe String(cString: apus_instruction_set())
    defer { unsafe apus_force_instruction_set(current) }
    unsafe apus_force_instruction_set(instructionSet)
    return apus_current_multiplier()
  }
}

/// Where a kernel is prepared.
@safe
struct KernelSlot {
  let pointer: UnsafeMutablePointer<apus_kernel>
}

/// Prepares a kernel on an instruction set (the best by default) and runs it with one thread and with two. The bits must
/// agree and nothing may be written past an end. False where the kernel refuses its description.
@discardableResult
func run(
  on instructionSet: String? = nil, _ buffers: [Memory],
  prepare: (KernelSlot) -> Int32
) -> Bool {
  var kernel = unsafe apus_kernel()
  let status = setting.withLock { _ in
    let current = unsafe String(cString: apus_instruction_set())
    defer { unsafe apus_force_instruction_set(current) }
    if let instructionSet { unsafe apus_force_instruction_set(instructionSet) }
    return unsafe withUnsafeMutablePointer(to: &kernel) { unsafe prepare(KernelSlot(pointer: $0)) }
  }
  guard status == 0 else { return false }
  defer { unsafe apus_kernel_destroy(&kernel) }
  // What a kernel finds in its shared memory must not matter.
  let shared = unsafe Memory(Int(kernel.shared_bytes), of: UInt8(0x7F))
  var addresses = unsafe (buffers + [shared]).map { unsafe Optional($0.start) }
  let before = buffers.map { $0.values(UInt8.self) }
  setting.withLock { _ in
    let threads = apus_threads()
    defer { apus_set_threads(threads) }
    apus_set_threads(1)
    unsafe apus_kernel_run(&kernel, &addresses)
    let alone = buffers.map { $0.values(UInt8.self) }
    for (buffer, bytes) in zip(buffers, before) { buffer.restore(bytes) }
    apus_set_threads(2)
    unsafe apus_kernel_run(&kernel, &addresses)
    #expect(alone == buffers.map { $0.values(UInt8.self) }, "one and two threads differ")
  }
  let intact = (buffers + [shared]).allSatisfy { $0.isIntact }
  #expect(intact, "written past the end of a buffer")
  return true
}

/// Reproducible values.
struct Numbers {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func word() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func below(_ bound: Int) -> Int { Int(word() >> 11) % bound }

  /// Between -1 and 1.
  mutating func reals(_ count: Int) -> [Double] {
    (0..<count).map { _ in Double(Int64(bitPattern: word()) >> 11) / 0x1p52 }
  }

  /// Exact in float32, between -1 and 1.
  mutating func floats(_ count: Int) -> [Float] { reals(count).map { Float($0) } }
}

/// Whether all values agree to `tolerance`, relative where they are above 1; equal infinities and NaN agree.
func agree<Value: BinaryFloatingPoint>(
  _ values: [Value], _ expected: [Double], _ tolerance: Double
) -> Bool {
  guard values.count == expected.count else { return false }
  return zip(values, expected).allSatisfy { value, wanted in
    let value = Double(value)
    if value == wanted || (value.isNaN && wanted.isNaN) { return true }
    return abs(value - wanted) <= tolerance * max(1, abs(wanted))
  }
}

/// The slope of `loss` along `values[i]`, of fourth order.
func centralDifference(_ values: [Double], _ i: Int, _ loss: ([Double]) -> Double) -> Double {
  let step = 1e-3
  func at(_ steps: Double) -> Double {
    var moved = values
    moved[i] += steps * step
    return loss(moved)
  }
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
}

/// What makes programs run on a device. Executors hold no list of operations: every primitive brings its own facet.
package protocol Executor: AnyObject, Sendable {
  /// What messages call the device.
  var name: String { get }
  /// The devices that run a program together.
  var replicaCount: Int { get }
  /// - Throws: where the device refuses the program.
  func compile(_ program: Program, _ roles: ArgumentRoles) throws -> any Executable
  /// Waits for everything launched so far.
  func synchronize() throws
}

/// What may happen to the arguments of a program.
package struct ArgumentRoles: Hashable, Sendable {
  /// Arguments whose memory may become that of a result, in runs where nobody else holds it.
  package var donated: Range<Int>
  /// Arguments of which every replica gets its part along the first axis; all others go to every replica as they are.
  package var split: Set<Int>

  package init(donated: Range<Int> = 0..<0, split: Set<Int> = []) {
    self.donated = donated
    self.split = split
  }
}

/// A compiled program with all it needs to run.
package protocol Executable: AnyObject, Sendable {
  /// Computes the results.
  ///
  /// Arguments that nobody but `arguments` holds may be written over; the array is empty afterwards. Where the run fails it
  /// is as it was, but what was given away is lost.
  func run(_ arguments: inout [Storage]) throws -> [Storage]
  /// Bytes of intermediate values, as far as they are known.
  var arenaByteCount: Int { get }
}

/// A value in a device's own memory.
package protocol DeviceBuffer: AnyObject, Sendable {
  /// Copies the value to the host, once it is computed.
  func fetch() throws -> Storage
}

/// The host's cores.
final class CPUExecutor: Executor {
  let name = "cpu"
  let replicaCount = 1

  func compile(_ program: Program, _ roles: ArgumentRoles) -> any Executable {
    CPUExecutable(program)
  }

  func synchronize() {}
}

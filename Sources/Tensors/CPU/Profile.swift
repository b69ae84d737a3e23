internal import Synchronization

/// Where the time of compiled programs goes, kernel by kernel. Off unless asked for.
package enum Profile {
  package struct Row: Sendable {
    package let label: String
    package var count: Int
    package var duration: Duration
  }

  private static let flag = Atomic<Bool>(false)
  private static let rows = Mutex<[String: Row]>([:])

  static var isOn: Bool { flag.load(ordering: .relaxed) }

  static func add(_ label: String, _ duration: Duration) {
    rows.withLock { rows in
      rows[label, default: Row(label: label, count: 0, duration: .zero)].count += 1
      rows[label]!.duration += duration
    }
  }

  /// Runs `body` and returns the kernels that ran in it, the longest first. A loop's row includes those of its body.
  package static func record(_ body: () -> Void) -> [Row] {
    rows.withLock { $0 = [:] }
    flag.store(true, ordering: .relaxed)
    body()
    flag.store(false, ordering: .relaxed)
    return rows.withLock { $0.values.sorted { $0.duration > $1.duration } }
  }
}

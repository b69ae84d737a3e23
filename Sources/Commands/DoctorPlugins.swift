import Documents
import Reports
import XLA

/// A plugin of XLA that was found, or a platform without one.
struct FoundPlugin {
  let platform: Platform
  /// The file; nil where there is none.
  let path: String?
  var version = ""
  var devices: [String] = []
  /// Why it cannot be used.
  var fault: String?

  /// What to install for a platform that has no plugin.
  static func hint(_ platform: Platform) -> String {
    switch platform {
    case .cuda: "for NVIDIA: pip install jax-cuda13-pjrt"
    case .rocm: "for AMD: pip install jax-rocm7-pjrt"
    case .tpu: "for TPUs: pip install libtpu"
    case .cpu: "for comparisons on the CPU: pip install lammps-jax-pjrt-cpu"
    }
  }

  /// Every plugin that is found, opened and asked for its devices; then the platforms that have none.
  static func all() -> [FoundPlugin] {
    var seen: Set<String> = []
    var (found, absent) = ([FoundPlugin](), [FoundPlugin]())
    for platform in Platform.allCases {
      guard let path = try? Plugin.find(platform) else {
        absent.append(FoundPlugin(platform: platform, path: nil))
        continue
      }
      if seen.insert(path).inserted { found.append(FoundPlugin(platform, path)) }
    }
    return found + absent
  }

  private init(platform: Platform, path: String?) {
    (self.platform, self.path) = (platform, path)
  }

  private init(_ platform: Platform, _ path: String) {
    self.init(platform: platform, path: path)
    do {
      let plugin = try Plugin.open(path)
      version = plugin.version
      devices = try plugin.deviceKinds()
    } catch {
      fault = "\(error)"
    }
  }

  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("platform", .string(platform.rawValue)),
      .init("status", .string(path == nil ? "missing" : fault == nil ? "ok" : "failed")),
    ]
    if let path {
      members += [
        .init("path", .string(path)), .init("version", .string(version)),
        .init("devices", .array(devices.map(JSONValue.string))),
      ]
    }
    if let hint = fault ?? (path == nil ? Self.hint(platform) : nil) {
      members.append(.init("hint", .string(hint)))
    }
    return .object(members)
  }

  /// What is known of it, for people.
  var text: String {
    guard let path else { return Self.hint(platform) }
    if let fault { return fault }
    let kinds = Set(devices).sorted().joined(separator: ", ")
    return "PJRT \(version), \(Wording.count(devices.count)) of \(kinds), \(path)"
  }
}

/// Why a plugin of XLA cannot be used, or what it answered.
public enum XLAError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No plugin was named and none is in the usual places.
  case noPlugin(searched: [String])
  /// The file is missing, or no shared library for this machine.
  case notLoadable(path: String, reason: String)
  /// A shared library, but no plugin.
  case notAPlugin(path: String)
  /// The plugin speaks another version of the interface.
  case unsupportedVersion(path: String, found: String, needed: String)
  /// The plugin has no device of this number.
  case noDevice(plugin: String, number: Int, count: Int)
  /// The plugin's name for a device cannot be read.
  case malformedName(String)
  /// The device cannot compile the program.
  case refused(device: String, message: String)
  /// The device's memory does not hold a program or its values.
  case outOfMemory(device: String, message: String)
  /// A value was given to a step that failed.
  case lost(device: String)
  /// Anything else that a plugin answers, by the number of its kind.
  case failed(operation: String, code: Int, message: String)

  public var description: String {
    switch self {
    case .noPlugin(let searched):
      "no plugin of XLA was found; name its file in APUS_PJRT_PLUGIN, or install one with pip "
        + "(jax-cuda13-pjrt for NVIDIA, lammps-jax-pjrt-cpu for CPUs) in an environment that "
        + "VIRTUAL_ENV or APUS_PJRT_PATH names. Looked for " + searched.joined(separator: ", ")
    case .notLoadable(let path, let reason): "\(path) cannot be loaded: \(reason)"
    case .notAPlugin(let path):
      "\(path) is a library, but no plugin of XLA: it has no function GetPjrtApi"
    case .unsupportedVersion(let path, let found, let needed):
      "\(path) speaks version \(found) of the PJRT interface; \(needed) is needed. "
        + "Install a newer plugin"
    case .noDevice(let plugin, let number, let count):
      "\(plugin) has \(count) devices, numbered from 0; there is no device \(number)"
    case .malformedName(let name):
      "no device is called \(name); say cpu, xla, xla:cuda, xla:cuda:1 or xla:FILE:0"
    case .refused(let device, let message): "\(device) cannot run the program: \(message)"
    case .outOfMemory(let device, let message):
      "\(device) is out of memory; take smaller batches or a smaller model. \(message)"
    case .lost(let device): "\(device) lost a value: it was given to a step that failed"
    case .failed(let operation, let code, let message):
      "\(operation) failed with code \(code): \(message)"
    }
  }
}

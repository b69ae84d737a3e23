import Foundation
import Testing
import XLA

/// The plugin that the tests run on.
enum TestPlugin {
  /// Its file; nil where none is installed.
  static let path: String? = try? Plugin.find(.cpu)
}

extension Trait where Self == ConditionTrait {
  /// Skips what needs a plugin where there is none.
  static var ifPluginIsInstalled: Self {
    .enabled(
      if: TestPlugin.path != nil, "no plugin of XLA for CPUs: name its file in APUS_PJRT_CPU")
  }
}

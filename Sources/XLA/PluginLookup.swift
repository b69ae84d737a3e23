internal import Foundation

/// A kind of device, and where wheels put its plugin.
public enum Platform: String, Sendable, CaseIterable {
  case cuda, rocm, tpu, cpu

  /// Files relative to a folder of Python packages, newest first.
  var wheelFiles: [String] {
    switch self {
    case .cuda:
      ["jax_plugins/xla_cuda13/xla_cuda_plugin.so", "jax_plugins/xla_cuda12/xla_cuda_plugin.so"]
    case .rocm:
      ["jax_plugins/xla_rocm7/xla_rocm_plugin.so", "jax_plugins/xla_rocm60/xla_rocm_plugin.so"]
    case .tpu: ["libtpu/libtpu.so"]
    case .cpu:
      [
        "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", "fastatomstruct_xla_cpu/libpjrt_cpu.so",
      ]
    }
  }
}

extension Plugin {
  /// The file of a platform's plugin; with nil that of the first platform that has one, accelerators first.
  ///
  /// In this order: `APUS_PJRT_CUDA` and so on by platform, `APUS_PJRT_PLUGIN`, the pairs `name:path` of
  /// `PJRT_NAMES_AND_LIBRARY_PATHS`, then the files of installed wheels in the folders of `APUS_PJRT_PATH` and in the
  /// environment that `VIRTUAL_ENV` names. `environment` stands for the process's own.
  /// - Throws: `XLAError.noPlugin` with what was looked for.
  public static func find(
    _ platform: Platform? = nil,
    environment: [String: String]? = nil
  ) throws(XLAError) -> String {
    let environment = environment ?? ProcessInfo.processInfo.environment
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    let platforms = platform.map { [$0] } ?? Platform.allCases
    let own = platforms.map { "APUS_PJRT_\($0.rawValue.uppercased())" } + ["APUS_PJRT_PLUGIN"]
    // What somebody names is taken, and refused with a reason if it is wrong.
    if let named = own.lazy.compactMap(value).first { return named }
    var searched = own
    for pair in (value("PJRT_NAMES_AND_LIBRARY_PATHS") ?? "").split(separator: ",") {
      let parts = pair.split(separator: ":", maxSplits: 1).map(String.init)
      if parts.count == 2, platform == nil || parts[0] == platform?.rawValue { return parts[1] }
    }
    searched.append("PJRT_NAMES_AND_LIBRARY_PATHS")
    let folders =
      (value("APUS_PJRT_PATH") ?? "").split(separator: ":").map(String.init)
      + (value("VIRTUAL_ENV").map(packageFolders) ?? [])
    for file in platforms.flatMap(\.wheelFiles) {
      for folder in folders {
        let path = folder + "/" + file
        if FileManager.default.fileExists(atPath: path) { return path }
        searched.append(path)
      }
    }
    throw .noPlugin(searched: searched)
  }

  /// The folders of packages in a Python environment.
  private static func packageFolders(_ environment: String) -> [String] {
    let libraries = environment + "/lib"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
    return names.sorted(by: >).filter { $0.hasPrefix("python") }
      .map { "\(libraries)/\($0)/site-packages" }
  }
}

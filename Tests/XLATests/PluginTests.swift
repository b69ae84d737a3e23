import Foundation
import Tensors
import Testing
import XLA

/// What is no plugin, or none that can be used, is refused with a reason.
@Suite struct PluginTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("apus-plugins-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// Compiles a shared library; nil where there is no compiler.
  private func library(_ name: String, _ source: String) throws -> String? {
    let (code, file) = (folder.appendingPathComponent(name + ".c"), folder.path + "/\(name).so")
    try source.write(to: code, atomically: true, encoding: .utf8)
    for compiler in ["/usr/bin/cc", "/usr/bin/clang", "/usr/bin/gcc"]
    where FileManager.default.isExecutableFile(atPath: compiler) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: compiler)
      process.arguments = ["-shared", "-fPIC", "-o", file, code.path]
      try process.run()
      process.waitUntilExit()
      if process.terminationStatus == 0 { return file }
    }
    return nil
  }

  /// A plugin with a table of `slots` functions, of this version, whose every call fails with `code`.
  private func plugin(_ name: String, version: String, slots: Int = 138, code: Int = 3) throws
    -> String?
  {
    try library(
      name,
      """
      #include <stddef.h>
      static struct { size_t size; void *extension; size_t version_size; void *more;
        int major, minor; void *(*calls[138])(void *); } table;
      static int error, live;
      static void *fail(void *a) { live++; return &error; }
      static void *destroy(void *a) { live--; return NULL; }
      static void *message(void *a) { *(const char **)((char *)a + 24) = "no such thing";
        *(size_t *)((char *)a + 32) = 13; return NULL; }
      static void *code(void *a) { *(int *)((char *)a + 24) = \(code); return NULL; }
      int live_errors(void) { return live; }
      const void *GetPjrtApi(void) {
        for (int i = 0; i < 138; i++) table.calls[i] = fail;
        table.calls[0] = destroy; table.calls[1] = message; table.calls[2] = code;
        table.size = 40 + 8 * \(slots);
        \(version)
        return &table;
      }
      """)
  }

  /// Opens what should not open.
  private func refusal(_ path: String) -> XLAError? {
    do throws(XLAError) {
      _ = try Device.xla(plugin: path)
      return nil
    } catch {
      return error
    }
  }

  static let hasCompiler = ["/usr/bin/cc", "/usr/bin/clang", "/usr/bin/gcc"]
    .contains { FileManager.default.isExecutableFile(atPath: $0) }

  @Test func `A file that is missing or no library is refused`() throws {
    guard case .notLoadable(let path, let reason) = refusal("/nowhere/plugin.so") else {
      Issue.record("it was opened")
      return
    }
    #expect(path == "/nowhere/plugin.so" && !reason.isEmpty)
    let text = folder.appendingPathComponent("text.so").path
    try "no library".write(toFile: text, atomically: true, encoding: .utf8)
    guard case .notLoadable = refusal(text) else {
      Issue.record("it was opened")
      return
    }
  }

  @Test(.enabled(if: hasCompiler, "no C compiler"))
  func `A library that is no plugin is refused`() throws {
    let path = try #require(try library("plain", "int answer(void) { return 42; }"))
    #expect(refusal(path) == .notAPlugin(path: path))
    let empty = try #require(try library("empty", "void *GetPjrtApi(void) { return 0; }"))
    guard case .notLoadable = refusal(empty) else {
      Issue.record("it was opened")
      return
    }
  }

  @Test(.enabled(if: hasCompiler, "no C compiler"))
  func `A plugin of another version is refused with both versions`() throws {
    let old = try #require(try plugin("old", version: "table.major = 0; table.minor = 69;"))
    let error = try #require(refusal(old))
    guard case .unsupportedVersion(old, "0.69", let needed) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(needed.contains("0.70") && "\(error)".contains("0.69"))
    let major = try #require(try plugin("major", version: "table.major = 1; table.minor = 3;"))
    guard case .unsupportedVersion(_, "1.3", _) = refusal(major) else {
      Issue.record("it was opened")
      return
    }
    let short = try #require(
      try plugin("short", version: "table.major = 0; table.minor = 90;", slots: 60))
    guard case .unsupportedVersion = refusal(short) else {
      Issue.record("it was opened")
      return
    }
  }

  @Test(.enabled(if: hasCompiler, "no C compiler"))
  func `An error of a plugin is read once and destroyed`() throws {
    let path = try #require(
      try plugin("failing", version: "table.major = 0; table.minor = 100;", code: 12))
    let error = try #require(refusal(path))
    guard case .failed(let operation, 12, "no such thing") = error else {
      Issue.record("\(error)")
      return
    }
    #expect(operation.contains(path))
    let symbol = unsafe dlsym(dlopen(path, RTLD_NOW), "live_errors")
    typealias Count = @convention(c) () -> Int32
    #expect(unsafe unsafeBitCast(symbol, to: Count?.self)?() == 0)
  }

  @Test func `A plugin is looked for in named places, in order`() throws {
    let found = { (environment: [String: String]) throws(XLAError) -> String in
      try Plugin.find(.cuda, environment: environment)
    }
    #expect(try found(["APUS_PJRT_PLUGIN": "a", "APUS_PJRT_CUDA": "b"]) == "b")
    #expect(try found(["APUS_PJRT_PLUGIN": "a", "APUS_PJRT_CPU": "b"]) == "a")
    #expect(try found(["PJRT_NAMES_AND_LIBRARY_PATHS": "tpu:x,cuda:y"]) == "y")
    let wheel = folder.path + "/lib/python3.12/site-packages/jax_plugins/xla_cuda12"
    try FileManager.default.createDirectory(atPath: wheel, withIntermediateDirectories: true)
    try "".write(toFile: wheel + "/xla_cuda_plugin.so", atomically: true, encoding: .utf8)
    #expect(try found(["VIRTUAL_ENV": folder.path]) == wheel + "/xla_cuda_plugin.so")
    #expect(
      try found(["APUS_PJRT_PATH": folder.path + "/lib/python3.12/site-packages"])
        == wheel + "/xla_cuda_plugin.so")
    #expect {
      _ = try found([:])
    } throws: { error in
      guard case .noPlugin(let searched) = error as? XLAError else { return false }
      return searched.contains("APUS_PJRT_CUDA") && "\(error)".contains("pip")
    }
  }

  @Test func `Names of devices are read or refused`() throws {
    #expect(try Device(named: "cpu") == .cpu)
    for name in ["gpu", "", "xla:", "xla::0"] {
      #expect(throws: XLAError.malformedName(name)) { try Device(named: name) }
    }
  }

  @Test(.ifPluginIsInstalled) func `Equal names are the same device`() throws {
    let path = try #require(TestPlugin.path)
    #expect(try Device(named: "xla:cpu") == .xla(plugin: "cpu"))
    #expect(try Device(named: "xla:\(path):1") == .xla(plugin: path, index: 1))
    #expect(try Device.xla(plugin: path) != .xla(plugin: path, index: 1))
    let plugin = try Plugin.open(path)
    #expect(plugin.version.hasPrefix("0."))
  }
}

import Documents
import Foundation
import Testing
import XLA

@Suite("--device", .enabled(if: Binary.isBuilt, "apus is not built"))
struct DeviceTests {
  /// The plugin of this machine's tests, for a process whose environment is otherwise empty of ours.
  private static let plugin = try? Plugin.find(.cpu)
  private var environment: [String: String] { Self.plugin.map { ["APUS_PJRT_CPU": $0] } ?? [:] }

  @Test("that does not exist is refused with a sentence and its exit code")
  func refusals() throws {
    let name = try Binary.run("bench", "mlp-mnist", "--device", "abacus", "--json")
    #expect(name.status == 4)
    #expect(try name.json()["error"]?["message"]?.string?.contains("abacus") == true)
    for device in ["xla:/no/such/file.so", "xla:\(#filePath)", "xla:cuda"] {
      let file = try Binary.run("bench", "mlp-mnist", "--device", device)
      #expect(file.status == 4)
      #expect(file.errors.contains("XLA") || file.errors.contains("cannot be loaded"))
      #expect(file.output.isEmpty)
    }
  }

  @Test("xla computes the step that the CPU computes", .enabled(if: plugin != nil, "no plugin"))
  func compare() throws {
    let arguments = ["compare", "realnvp-2d", "--with", "xla:cpu", "--json"]
    let settings = ["--set", "batch_size=16", "--set", "couplings=2", "--set", "hidden=[8]"]
    let outcome = try Binary.run(arguments: arguments + settings, environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try outcome.json()
    #expect(report["agree"]?.bool == true)
    #expect(report["loss"]?.elements?.count == 2)
    let strict = try Binary.run(
      arguments: arguments + settings + ["--tolerance", "0"], environment: environment)
    #expect(strict.status == 1)
    #expect(try strict.json()["first_difference"]?["node"]?.string?.isEmpty == false)
  }

  @Test("xla trains and samples", .enabled(if: plugin != nil, "no plugin"))
  func train() throws {
    let scratch = Scratch()
    let run = scratch.folder.appendingPathComponent("run").path
    let trained = try Binary.run(
      "train", "realnvp-2d", "--device", "xla:cpu", "--steps", "3", "--out", run, "--set",
      "couplings=2", "--set", "hidden=[8]", environment: environment)
    #expect(trained.status == 0, "\(trained.errors)")
    // What was trained on one device goes on on another.
    let sampled = try Binary.run("sample", "--run", run, "--count", "2")
    #expect(sampled.status == 0, "\(sampled.errors)")
  }

  @Test("xla's memory stays what it is", .enabled(if: plugin != nil, "no plugin"))
  func memory() throws {
    func peak(_ steps: Int) throws -> Int {
      let outcome = try Binary.run(
        "bench", "mlp-mnist", "--device", "xla:cpu", "--steps", "\(steps)", "--json",
        environment: environment)
      return try #require(try outcome.json()["peak_rss_mb"]?.integer)
    }
    _ = try peak(1)  // compiles, which takes memory of its own
    // The activations of a thousand steps would be a gigabyte.
    #expect(try peak(1100) - peak(100) < 64)
  }

  /// A plugin that spoils every program before the real one sees it.
  private static let refusing = """
    #include <dlfcn.h>
    #include <stdlib.h>
    #include <string.h>
    typedef struct { size_t size; void *next; const char *code; size_t count; } program;
    typedef struct { size_t size; void *next; void *client; program *program; } arguments;
    static void *(*compile)(void *);
    static void *spoil(void *a) {
      program *p = ((arguments *)a)->program;
      p->code = "module { nonsense }";
      p->count = strlen(p->code);
      return compile(a);
    }
    void *GetPjrtApi(void) {
      void *real = dlopen(getenv("REAL_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
      char *table = ((void *(*)(void))dlsym(real, "GetPjrtApi"))();
      size_t size = *(size_t *)table;
      void **functions = (void **)((char *)memcpy(malloc(size), table, size) + 40);
      compile = functions[20];
      functions[20] = spoil;
      return (char *)functions - 40;
    }
    """
  private static let compiler = ["/usr/bin/cc", "/usr/bin/clang", "/usr/bin/gcc"]
    .first(where: FileManager.default.isExecutableFile)

  @Test(
    "that refuses a program is told with exit code 4",
    .enabled(if: plugin != nil && compiler != nil, "no plugin, or no C compiler"))
  func refusedProgram() throws {
    let scratch = Scratch()
    let source = try scratch.write(Array(Self.refusing.utf8), to: "refuse.c")
    let library = scratch.folder.appendingPathComponent("refuse_cpu.so").path
    let build = Process()
    build.executableURL = URL(fileURLWithPath: try #require(Self.compiler))
    build.arguments = ["-shared", "-fPIC", source, "-o", library, "-ldl"]
    try build.run()
    build.waitUntilExit()
    try #require(build.terminationStatus == 0)
    let environment = [
      "REAL_PLUGIN": try #require(Self.plugin), "APUS_XLA_CACHE": "off",
    ]
    let run = scratch.folder.appendingPathComponent("run").path
    for command in [
      ["bench", "mlp-mnist"], ["train", "realnvp-2d", "--steps", "1", "--out", run],
    ] {
      let outcome = try Binary.run(
        arguments: command + ["--device", "xla:\(library)"], environment: environment)
      #expect(outcome.status == 4)
      #expect(outcome.errors.contains("cannot run the program"))
    }
  }
}

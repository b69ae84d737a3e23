// swift-tools-version: 6.2
import PackageDescription

/// The settings of every Swift target.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// A layer of the library: it may import only what `dependencies` names (ARCHITECTURE.md).
func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of a layer; they see `package` members and the helpers of `TestSupport`.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
    swiftSettings: settings)
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")

/// A folder with oneDNN's `include` and `lib`, where it is not the system's own.
let oneDNNRoot = Context.environment["APUS_ONEDNN_ROOT"]
#if os(macOS)
  let oneDNNFile = "libdnnl.dylib"
#else
  let oneDNNFile = "libdnnl.so"
#endif

let package = Package(
  name: "apus",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Apus", targets: ["Apus"]),
    .executable(name: "apus", targets: ["Commands"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    // C: kernels and thin shims over the system's libraries.
    .target(name: "CKernels"),
    .target(
      name: "COneDNN", dependencies: ["CKernels"],
      cSettings: oneDNNRoot.map { [.unsafeFlags(["-I\($0)/include"])] } ?? [],
      // By its path, since the folders of other libraries come first in the search.
      linkerSettings: oneDNNRoot.map { root in
        let options = ["\(root)/lib/\(oneDNNFile)", "-rpath", "\(root)/lib"]
        return [.unsafeFlags(options.flatMap { ["-Xlinker", $0] })]
      } ?? [.linkedLibrary("dnnl")]),
    .target(name: "CPJRT"),
    .target(name: "CEmbedded", exclude: ["data"]),
    .target(
      name: "CImages", dependencies: ["ImageLibraries"], linkerSettings: [.linkedLibrary("z")]),
    .systemLibrary(
      name: "ImageLibraries", pkgConfig: "libpng libturbojpeg libwebp freetype2",
      providers: [
        .apt([
          "libpng-dev", "libturbojpeg0-dev", "libwebp-dev", "libfreetype-dev", "zlib1g-dev",
        ]),
        .brew(["libpng", "jpeg-turbo", "webp", "freetype"]),
      ]),

    // The layers, lowest first.
    layer("Documents", []),
    layer("StableHLO", []),
    layer("Tensors", ["StableHLO", "CKernels", "COneDNN"]),
    layer("XLA", ["Tensors", "CPJRT"]),
    layer("Layers", ["Tensors"]),
    layer("Checkpoints", ["Documents", "Layers", "Images"]),
    layer("Optimizers", ["Layers"]),
    layer("Tokenizers", ["CEmbedded", "Documents", "Images"]),
    layer("Images", ["CImages"]),
    layer("Datasets", ["Documents", "Images", "CEmbedded"]),
    layer("Models", ["Layers"]),
    layer("Objectives", ["Layers", "Models"]),
    layer("Samplers", ["Layers", "Models"]),
    layer(
      "Published",
      ["Checkpoints", "Documents", "Models", "Objectives", "Optimizers", "Samplers", "Tokenizers"]),
    layer("Workloads", ["Models", "Objectives", "Optimizers"]),
    layer("Reports", ["Images"]),
    layer(
      "Training",
      [
        "Checkpoints", "Documents", "Optimizers", "Datasets", "Images", "Reports", "Samplers", yaml,
      ]),
    layer(
      "Recipes", ["Training", "Published", "Models", "Objectives", "Samplers", "Tokenizers"]),
    layer(
      "Apus", ["Recipes", "Published", "XLA", "Reports", "Tokenizers", "Images", "Checkpoints"]),
    .executableTarget(
      name: "Commands",
      dependencies: [
        "Workloads",
        "Recipes", "Training", "Published", "XLA", "Reports", "Checkpoints", "Datasets", "Images",
        "Documents", "Tokenizers", "Samplers", "Layers",
        "Tensors", "CKernels", "COneDNN", arguments, yaml,
      ],
      swiftSettings: settings),

    .executableTarget(
      name: "FirstSteps", dependencies: ["Apus"], path: "Examples/FirstSteps",
      swiftSettings: settings),

    .target(
      name: "TestSupport", dependencies: ["Checkpoints", "XLA"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "KernelsTests", dependencies: ["CKernels", "COneDNN"], swiftSettings: settings),
    tests("Documents"),
    tests("StableHLO"),
    tests("Tensors"),
    tests("XLA", ["Layers", "Recipes"]),
    tests("Layers"),
    tests("Checkpoints"),
    tests("Optimizers"),
    tests("Tokenizers"),
    tests("Images"),
    tests("Datasets"),
    tests("Models", ["Objectives", "Samplers", "Optimizers"]),
    tests("Objectives"),
    tests("Samplers", ["Documents", "Models"]),
    tests("Reports", ["Images"]),
    tests("Training"),
    tests("Recipes", ["Published", "Checkpoints", "Documents", "Images"]),
    tests("Published", ["Checkpoints", "Documents", "Samplers", "Tensors"]),
    .testTarget(
      name: "RealWeightsTests",
      dependencies: [
        "Published", "Models", "Layers", "Checkpoints", "Tokenizers", "Documents", "Tensors",
        "Datasets", "TestSupport",
      ], swiftSettings: settings),
    tests("Commands", ["Documents", "Checkpoints", "XLA"]),
  ]
)

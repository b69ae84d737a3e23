import Datasets
import Foundation
import Images
import Reports
import Training

/// The data of a gallery's table, with what general compressors make of them.
enum ReferenceRows {
  /// The groups that the methods' goals name, in the order of the methods.
  static func groups(of methods: [Training.Method]) -> [DataGroup] {
    var groups: [DataGroup] = []
    for method in methods {
      guard let id = method.goal.group, !groups.contains(where: { $0.id == id }) else { continue }
      groups.append(group(id, unit: method.goal.name))
    }
    return groups
  }

  static func group(_ id: String, unit: String) -> DataGroup {
    switch id {
    case "fashion-mnist":
      let test = (try? FashionMNIST())?.test
      return DataGroup(
        id: id, name: "Fashion-MNIST", unit: unit, note: "8-bit pixels",
        references: reference(test?.pixels, note: "the test pictures compressed"))
    case "fashion-mnist-binary":
      return DataGroup(
        id: id, name: "Fashion-MNIST, black and white", unit: unit,
        note: "each pixel is 1 above 127, else 0")
    case "plane": return DataGroup(id: id, name: "Points of the plane", unit: unit)
    case "wordnet-glosses":
      let test = (try? WordNet.glosses())?.split().test
      return DataGroup(
        id: id, name: "WordNet glosses", unit: unit,
        references: reference(test?.bytes, note: "the test text compressed"))
    default: return DataGroup(id: id, name: id, unit: unit)
    }
  }

  /// The best general compressor at hand: xz, else deflate.
  private static func reference(_ bytes: [UInt8]?, note: String) -> [DataGroup.Reference] {
    guard let bytes, !bytes.isEmpty else { return [] }
    let size: (name: String, count: Int)
    if let count = sizeByXZ(bytes) {
      size = ("xz -9", count)
    } else if let packed = try? Deflate.deflate(bytes, into: .raw, level: 9) {
      size = ("deflate -9", packed.count)
    } else {
      return []
    }
    return [
      .init(name: size.name, value: 8 * Double(size.count) / Double(bytes.count), note: note)
    ]
  }

  private static func sizeByXZ(_ bytes: [UInt8]) -> Int? {
    let folder = FileManager.default.temporaryDirectory
    let input = folder.appendingPathComponent("apus-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: input) }
    guard (try? Data(bytes).write(to: input)) != nil else { return nil }
    // Foundation's own processes wait for ever where there is no network at all.
    let arguments = ["-9", "--stdout", "--quiet", input.path]
    guard let process = try? ChildProcess(arguments, of: "xz", errors: "/dev/null") else {
      return nil
    }
    let count = process.countBytes()
    return process.wait().ending == .exit(0) && count > 0 ? count : nil
  }
}

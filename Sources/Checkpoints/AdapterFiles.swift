internal import Documents
public import Foundation
public import Layers
import Tensors

/// Adapters as PEFT stores them: a folder with `adapter_config.json` and
/// `adapter_model.safetensors`, whose tensors are called
/// `base_model.model.<module>.lora_A.weight` and `….lora_B.weight`.
extension LowRankAdapters {
  private static let configuration = "adapter_config.json"
  private static let weights = "adapter_model.safetensors"
  /// What stands before the name of every tensor.
  package static let prefix = "base_model.model."

  /// Reads a folder of PEFT; whether the adapters fit a model, `check(_:)` says.
  /// - Throws: `CheckpointError` where a file is missing or malformed, or holds another kind of
  ///   adapters.
  public init(from folder: URL) throws(CheckpointError) {
    let url = folder.appendingPathComponent(Self.configuration)
    let document = try AdapterConfiguration(url)
    let bin = folder.appendingPathComponent("adapter_model.bin")
    let isBin = FileManager.default.fileExists(atPath: bin.path)
    let safetensors = folder.appendingPathComponent(Self.weights)
    let isSafe = FileManager.default.fileExists(atPath: safetensors.path)
    let file = try Checkpoint(isBin && !isSafe ? bin : safetensors)
    self.init(
      pairs: try file.pairs(prefix: Self.prefix, document.settings), settings: document.settings)
  }

  /// Writes a folder that PEFT reads.
  /// - Parameter base: where the adapted model comes from, for `base_model_name_or_path`.
  public func save(to folder: URL, base: String? = nil) throws(CheckpointError) {
    try CheckpointStore.makeFolder(folder)
    let named = leaves.map { leaf in
      var leaf = leaf
      leaf.name = Self.prefix + leaf.name
      return leaf
    }
    try Safetensors.write(named, to: folder.appendingPathComponent(Self.weights))
    try CheckpointStore.write(
      configurationFile(base: base),
      to: folder.appendingPathComponent(Self.configuration))
  }
}

extension LowRankAdapters {
  /// The bytes of `adapter_config.json`.
  /// - Parameter whole: modules that are trained as a whole beside the adapters (`modules_to_save`).
  package func configurationFile(base: String?, saving whole: [String] = []) -> [UInt8] {
    AdapterConfiguration.text(self, base: base, whole)
  }
}

extension Checkpoint {
  fileprivate func pairs(
    prefix: String, _ settings: LowRankAdapters.Settings
  ) throws(CheckpointError) -> [String: LowRankAdapters.Pair] {
    let refuse = Refuse(file: url.path)
    var factors: [String: (down: Tensors.Tensor?, up: Tensors.Tensor?)] = [:]
    for entry in entries {
      let endings = [".lora_A.weight", ".lora_B.weight"]
      guard entry.name.hasPrefix(prefix), let ending = endings.first(where: entry.name.hasSuffix),
        entry.name.utf8.count > prefix.utf8.count + ending.utf8.count
      else {
        throw refuse(
          .unsupported, "\"\(entry.name)\" is no factor of a linear layer or convolution")
      }
      guard let type = entry.type.dataType, type.isFloatingPoint, entry.shape.count > 1 else {
        throw refuse(.dtype, "\"\(entry.name)\" is \(entry.type.rawValue) \(entry.shape)")
      }
      let module = String(entry.name.dropFirst(prefix.count).dropLast(ending.count))
      let tensor = try tensor(entry, type)
      if ending == endings[0] {
        factors[module, default: (nil, nil)].down = tensor
      } else {
        factors[module, default: (nil, nil)].up = tensor
      }
    }
    var pairs: [String: LowRankAdapters.Pair] = [:]
    for (module, factor) in factors {
      guard let down = factor.down, let up = factor.up else {
        throw refuse(.missing, "\"\(module)\" has only one factor")
      }
      let rank = down.shape[0]
      guard rank > 0, up.shape == [up.shape[0], rank] + down.shape.dropFirst(2).map({ _ in 1 })
      else {
        throw refuse(.shape, "the factors \(down.shape) and \(up.shape) of \"\(module)\"")
      }
      pairs[module] = LowRankAdapters.Pair(
        down: down, up: up, scale: settings.scale(of: module, rank: rank))
    }
    return pairs
  }
}

/// `adapter_config.json`.
private struct AdapterConfiguration {
  let settings: LowRankAdapters.Settings

  init(_ url: URL) throws(CheckpointError) {
    let refuse = Refuse(file: url.path)
    let document = try Checkpoint.document(url, refuse)
    guard document["peft_type"]?.string == "LORA" else {
      throw refuse(.unsupported, "adapters of the kind \(document["peft_type"]?.string ?? "none")")
    }
    for field in ["use_dora", "use_qalora", "use_bdlora", "modules_to_save", "lora_bias"] {
      let isSet =
        switch document[field] {
        case nil, .null, .bool(false): false
        default: true
        }
      if isSet { throw refuse(.unsupported, "adapters with \(field)") }
    }
    guard document["bias"].map({ $0.string == "none" }) ?? true else {
      throw refuse(.unsupported, "adapters that train biases")
    }
    guard let rank = document["r"]?.integer, rank > 0, let alpha = document["lora_alpha"]?.real
    else { throw refuse(.header, "it has no rank r and no lora_alpha") }
    let targets =
      document["target_modules"]?.elements?.compactMap(\.string)
      ?? document["target_modules"]?.string.map { [$0] } ?? []
    settings = LowRankAdapters.Settings(
      rank: rank, alpha: alpha, dropout: document["lora_dropout"]?.real ?? 0,
      targets: targets.sorted(), isRankStabilized: document["use_rslora"]?.bool ?? false,
      isInputFirst: document["fan_in_fan_out"]?.bool ?? false,
      ranks: Self.numbers(document["rank_pattern"]) { $0.integer },
      alphas: Self.numbers(document["alpha_pattern"]) { $0.real })
    guard (0..<1).contains(settings.dropout) else {
      throw refuse(.header, "its lora_dropout is \(settings.dropout)")
    }
  }

  private static func numbers<Value>(
    _ value: JSONValue?, _ number: (JSONValue) -> Value?
  ) -> [String: Value] {
    Dictionary(
      (value?.members ?? []).compactMap { member in number(member.value).map { (member.name, $0) }
      },
      uniquingKeysWith: { _, last in last })
  }

  static func text(_ adapters: LowRankAdapters, base: String?, _ whole: [String]) -> [UInt8] {
    let settings = adapters.settings
    let patterns = { (values: [String: JSONValue]) in
      JSONValue.object(values.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) })
    }
    return JSONValue.object([
      .init("peft_type", .string("LORA")),
      .init("task_type", .null),
      .init("base_model_name_or_path", base.map { .string($0) } ?? .null),
      .init("inference_mode", .bool(true)),
      .init("r", .integer(settings.rank)),
      .init("lora_alpha", number(settings.alpha)),
      .init("lora_dropout", .number(settings.dropout)),
      .init("target_modules", .array(settings.targets.map { .string($0) })),
      .init("use_rslora", .bool(settings.isRankStabilized)),
      .init("fan_in_fan_out", .bool(settings.isInputFirst)),
      .init("rank_pattern", patterns(settings.ranks.mapValues { .integer($0) })),
      .init("alpha_pattern", patterns(settings.alphas.mapValues(number))),
      .init("bias", .string("none")),
      .init(
        "modules_to_save", whole.isEmpty ? .null : .array(whole.map { .string($0) })),
    ]).encoded(indented: true)
  }

  /// Whole numbers without a fraction, as they are usually given.
  private static func number(_ value: Double) -> JSONValue {
    Int(exactly: value).map { .integer($0) } ?? .number(value)
  }
}

extension JSONValue {
  fileprivate var real: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

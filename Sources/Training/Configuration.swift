import Documents
import Foundation
import Yams

/// All settings of a run: the recipe's, the loop's and the seed, under one flat list of keys.
struct Configuration<Settings: RecipeSettings> {
  private(set) var settings: Settings
  private(set) var loop: LoopSettings
  private(set) var seed: UInt64
  let recipe: String

  /// What is asked for, with Swift's names, in the order of declaration.
  private var tree: JSONValue

  init(recipe: String, settings: Settings, loop: LoopSettings, seed: UInt64) {
    self.recipe = recipe
    self.settings = settings
    self.loop = loop
    self.seed = seed
    tree = Self.tree(recipe, settings, loop, seed)
  }

  private static func tree(
    _ recipe: String, _ settings: Settings, _ loop: LoopSettings, _ seed: UInt64
  ) -> JSONValue {
    var members = [
      JSONValue.Member("recipe", .string(recipe)),
      JSONValue.Member("seed", .integer(Int(clamping: seed))),
    ]
    for member in SettingTree.tree(of: settings).members ?? [] { members.append(member) }
    for member in SettingTree.tree(of: loop).members ?? []
    where !members.contains(where: { $0.name == member.name }) {
      members.append(member)
    }
    return .object(members)
  }

  /// Changes values outside of any file: a number of steps, a seed.
  mutating func change(
    steps: Int? = nil, seed: UInt64? = nil, _ change: (inout LoopSettings) -> Void = { _ in }
  ) {
    if let steps { settings.steps = steps }
    if let seed { self.seed = seed }
    change(&loop)
    tree = Self.tree(recipe, settings, loop, self.seed)
  }

  /// Applies a YAML file's text.
  mutating func apply(yaml text: String, file: String) throws(TrainingError) {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch {
      let problem = "\(error)".split(separator: "\n").joined(separator: " ")
      throw .configuration(file: file, problem: problem)
    }
    guard let node else { return }
    guard node.mapping != nil else {
      throw .configuration(file: file, problem: "it is no list of \"key: value\"")
    }
    try merge(node, [], place: file)
  }

  /// Applies `key=value`; dots lead into nested settings.
  mutating func apply(assignment: String) throws(TrainingError) {
    let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw .wrongSetting(assignment, problem: "is no key=value", place: "--set")
    }
    let path = parts[0].split(separator: ".").map(String.init)
    let text = String(parts[1])
    // A list or a nested value is YAML; everything else is the text as it stands.
    let isList = text.hasPrefix("[") || text.hasPrefix("{")
    let node = isList ? try? Yams.compose(yaml: text) : nil
    try merge(node ?? Node(text), path, place: "--set")
  }

  private mutating func merge(
    _ node: Node, _ path: [String], place: String
  ) throws(TrainingError) {
    var keys: [String] = []
    var target = tree
    for name in path {
      guard let key = SettingTree.key(name, in: target) else {
        // A setting that is not written while it has its default.
        let isLast = keys.count == path.count - 1
        if isLast, !keys.isEmpty, let members = target.members,
          merged(Yams.Node.Mapping([(Node(name), node)]), keys, members)
        {
          return
        }
        throw unknown(name, path, in: target, place)
      }
      keys.append(key)
      target = target[key] ?? .null
    }
    try merge(node, names: path, keys: keys, target: target, place: place)
  }

  private mutating func merge(
    _ node: Node, names: [String], keys: [String], target: JSONValue, place: String
  ) throws(TrainingError) {
    if let members = target.members, !members.isEmpty, let mapping = node.mapping {
      if !keys.isEmpty && merged(mapping, keys, members) { return }
      for (nameNode, value) in mapping {
        let name = nameNode.string ?? ""
        let here = Self.place(place, nameNode)
        guard let key = SettingTree.key(name, in: target) else {
          throw unknown(name, names + [name], in: target, here)
        }
        try merge(
          value, names: names + [name], keys: keys + [key], target: target[key] ?? .null,
          place: place)
      }
      return
    }
    let here = Self.place(place, node)
    let name = names.joined(separator: ".")
    let value = SettingTree.value(node, like: target)
    if keys == ["recipe"] {
      guard value.string == recipe else {
        throw .wrongSetting(
          name, problem: "is \(node.shown), but \(recipe) is asked for", place: here)
      }
      return
    }
    try replace(keys, by: value, from: target, name: name, shown: node.shown, place: here)
  }

  private mutating func replace(
    _ keys: [String], by value: JSONValue, from old: JSONValue, name: String, shown: String,
    place: String
  ) throws(TrainingError) {
    let changed = SettingTree.replacing(keys[...], in: tree, by: value)
    let values: (Settings, LoopSettings, UInt64)
    do {
      values = try Self.decoded(changed)
    } catch {
      let problem = SettingTree.problem(
        error, at: keys, in: settings, old: old, new: value)
      throw .wrongSetting(name, problem: "takes \(problem), not \(shown)", place: place)
    }
    adopt(values)
  }

  /// Takes nested settings together, since one may ask for another: first beside those that are
  /// there, then in their place. False if they make no sense or some are unknown.
  private mutating func merged(
    _ mapping: Yams.Node.Mapping, _ keys: [String], _ members: [JSONValue.Member]
  ) -> Bool {
    let old = JSONValue.object(members)
    let given = mapping.map { name, node in
      let key = SettingTree.key(name.string ?? "", in: old) ?? name.string ?? ""
      return JSONValue.Member(key, SettingTree.value(node, like: old[key] ?? .null))
    }
    let rest = members.filter { member in !given.contains { $0.name == member.name } }
    for candidate in [rest + given, given] {
      let changed = SettingTree.replacing(keys[...], in: tree, by: .object(candidate))
      guard let values = try? Self.decoded(changed) else { continue }
      let result = keys.reduce(Self.tree(recipe, values.0, values.1, values.2)) {
        $0[$1] ?? .null
      }
      // What is not encoded again was not understood.
      guard given.allSatisfy({ result[$0.name] != nil }) else { continue }
      adopt(values)
      return true
    }
    return false
  }

  private static func decoded(
    _ tree: JSONValue
  ) throws -> (Settings, LoopSettings, UInt64) {
    let data = Data(tree.encoded())
    let decoder = JSONDecoder()
    return (
      try decoder.decode(Settings.self, from: data),
      try decoder.decode(LoopSettings.self, from: data),
      try decoder.decode(Seed.self, from: data).seed
    )
  }

  private mutating func adopt(_ values: (Settings, LoopSettings, UInt64)) {
    (settings, loop, seed) = values
    tree = Self.tree(recipe, settings, loop, seed)
  }

  private struct Seed: Decodable { let seed: UInt64 }

  private func unknown(
    _ name: String, _ path: [String], in target: JSONValue, _ place: String
  ) -> TrainingError {
    let prefix = path.dropLast().map { $0 + "." }.joined()
    let known = (target.members ?? []).map { prefix + SettingTree.snake($0.name) }
    return .unknownSetting(
      path.joined(separator: "."), known: known.filter { $0 != "recipe" }, place: place)
  }

  private static func place(_ file: String, _ node: Node) -> String {
    guard file != "--set", let mark = node.mark else { return file }
    return "\(file), line \(mark.line)"
  }

  /// The text of `config.yaml`, which can be fed back.
  var yaml: String { SettingTree.yaml(tree) }
}

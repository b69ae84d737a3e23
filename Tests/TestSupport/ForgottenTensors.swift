package import Layers
internal import Tensors

/// The paths of tensors that a module stores but does not name in `visit`, or names twice: none, if all is well.
///
/// Every tensor is replaced through `visit`; a walk over the stored properties must find the new ones and no others.
package func forgottenTensors<M: Module>(in module: M) -> [String] {
  let count = module.tensors.count
  // Distinct nodes, whatever the module holds: they are never computed.
  let marks = module.tensors.map { Tensor(Alias("visited"), [$0]) }
  let marked = module.replacingTensors(marks)
  var forgotten: [String] = []
  var found = 0
  func walk(_ value: Any, _ path: String) {
    if let tensor = value as? Tensor {
      if marks.contains(where: { $0.isIdentical(to: tensor) }) {
        found += 1
      } else {
        forgotten.append(path)
      }
      return
    }
    for (i, child) in Mirror(reflecting: value).children.enumerated() {
      let label = child.label ?? "\(i)"
      walk(child.value, path.isEmpty ? label : "\(path).\(label)")
    }
  }
  walk(marked, "")
  if forgotten.isEmpty, found != count { forgotten.append("\(count - found) tensors named twice") }
  return forgotten
}

/// What a compiled step knows of a module besides its tensors. Modules that differ in a plain value (a number, a choice)
/// must differ here, or a step that was compiled for one would serve the other.
package func structure<M: Module>(of module: M) -> Int {
  var copy = module
  var visitor = Visitor(.tensors)
  copy.visit(&visitor)
  return visitor.structure.finalize()
}

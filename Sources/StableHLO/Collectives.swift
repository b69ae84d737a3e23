extension FunctionBuilder {
  /// Joins a value element by element over all replicas of the program; every one gets the result.
  public mutating func allReduce(_ x: Value, _ combiner: Combiner) -> Value {
    let group = list(Array(0..<replicaCount))
    let body = region(joining: x.element, combiner)
    return append(
      [x.type],
      opening: "\"stablehlo.all_reduce\"(\(x.name)) "
        + "<{replica_groups = dense<[\(group)]> : tensor<1x\(replicaCount)xi64>}> ({",
      regions: [body], closing: "}) : \(signature([x], [x.type]))")[0]
  }
}

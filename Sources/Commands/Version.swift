/// The version of Apus, by the rules of semantic versioning.
let apusVersion = "0.1.0"

/// Whether the Swift code was compiled without optimisation.
#if DEBUG
  let isDebugBuild = true
#else
  let isDebugBuild = false
#endif

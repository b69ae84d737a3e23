// The whole library under one name: `import Apus`.

@_exported public import Checkpoints
@_exported public import Datasets
@_exported public import Images
@_exported public import Layers
@_exported public import Models
@_exported public import Objectives
@_exported public import Optimizers
@_exported public import Published
@_exported public import Recipes
@_exported public import Reports
@_exported public import Samplers
@_exported public import Tensors
@_exported public import Tokenizers
@_exported public import Training
@_exported public import XLA

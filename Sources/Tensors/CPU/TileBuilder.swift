package import CKernels

/// An operand of a tile instruction: the result of an earlier one, an input or a literal.
public struct TileOperand: Sendable {
  package enum Kind: Hashable, Sendable {
    case instruction(Int)
    case input(Int)
    case literal(Int)
  }
  package let kind: Kind
  package let lane: apus_lane
}

/// Collects the instructions of one cluster of elementwise operations and makes a kernel of them.
public struct TileBuilder {
  package struct Instruction {
    var operation: apus_tile_operation
    var lane: apus_lane
    var operands: [TileOperand]
    var immediate: (Double, Double) = (0, 0)
  }
  package struct Input {
    var pattern: BroadcastPattern
    var type: DataType
    var isIndex = false
  }
  package struct Output {
    var source: TileOperand
    var type: DataType
    var store = APUS_STORE
    /// Where the result is part of a larger tensor: the distance of its rows; nil where they follow one another.
    var rowStride: Int?
  }

  /// Elements of the results.
  let count: Int
  /// Columns of the matrix view; fixed where a row is reduced, else chosen in `kernel()`.
  var columns: Int?
  package private(set) var inputs: [Input] = []
  var literals: [apus_tile_literal] = []
  var instructions: [Instruction] = []
  var outputs: [Output] = []

  package init(count: Int, columns: Int? = nil) {
    self.count = count
    self.columns = columns
  }

  // MARK: Collecting

  /// The next operand of the kernel. Operands are buffers in the order of these calls.
  package mutating func input(_ pattern: BroadcastPattern, _ type: DataType) -> TileOperand {
    inputs.append(Input(pattern: pattern, type: type))
    return TileOperand(kind: .input(inputs.count - 1), lane: type.lane)
  }

  /// The index along some axes at every place; no buffer.
  package mutating func index(_ pattern: BroadcastPattern, _ type: DataType) -> TileOperand {
    inputs.append(Input(pattern: pattern, type: type, isIndex: true))
    return TileOperand(kind: .input(inputs.count - 1), lane: type.lane)
  }

  package mutating func literal(_ number: Fill.Number, _ type: DataType) -> TileOperand {
    literals.append(
      apus_tile_literal(lane: Int32(type.lane.rawValue), real: number.real, integer: number.integer)
    )
    return TileOperand(kind: .literal(literals.count - 1), lane: type.lane)
  }

  /// Appends an instruction and returns its result.
  package mutating func append(_ operation: apus_tile_operation, _ operands: TileOperand...)
    -> TileOperand
  {
    // A selection works in the lanes of what it selects, everything else in those of its operand.
    let lane = operands[operation == APUS_TILE_SELECT ? 1 : 0].lane
    instructions.append(Instruction(operation: operation, lane: lane, operands: operands))
    return TileOperand(kind: .instruction(instructions.count - 1), lane: operation.resultLane(lane))
  }

  /// The operand in other lanes.
  package mutating func converted(_ operand: TileOperand, to lane: apus_lane) -> TileOperand {
    if operand.lane == lane { return operand }
    switch lane {
    case APUS_LANE_F32: return append(APUS_TILE_TO_F32, operand)
    case APUS_LANE_F64: return append(APUS_TILE_TO_F64, operand)
    case APUS_LANE_I32: return append(APUS_TILE_TO_I32, operand)
    default: return append(APUS_TILE_TO_I64, operand)
    }
  }

  /// uint8 lives in int32 lanes and must stay below 256.
  package mutating func wrapped(_ operand: TileOperand, _ type: DataType) -> TileOperand {
    type == .uint8 ? append(APUS_TILE_WRAP_U8, operand) : operand
  }

  /// The next result of the kernel.
  package mutating func output(
    _ source: TileOperand, _ type: DataType, store: apus_store = APUS_STORE, rowStride: Int? = nil
  ) {
    var source = source
    if case .instruction = source.kind {} else { source = append(APUS_TILE_COPY, source) }
    outputs.append(Output(source: source, type: type, store: store, rowStride: rowStride))
  }

  /// The kernel of a single primitive whose operands all have the result's shape.
  static func kernel(
    of primitive: some ElementwisePrimitive, _ inputs: [TensorType], _ output: TensorType
  ) -> PreparedKernel {
    var tile = TileBuilder(count: output.count)
    let operands = inputs.map { tile.input(.full(output.count), $0.dataType) }
    let result = primitive.tile(operands, inputs, output, into: &tile)
    tile.output(result, output.dataType)
    return tile.kernel()
  }

  // MARK: Making the kernel

  package consuming func kernel() -> PreparedKernel {
    var plan = TilePlan(self)
    plan.combine()
    return plan.prepare()
  }
}

extension DataType {
  /// The lanes in which a tile program computes with values of this type.
  package var lane: apus_lane {
    switch self {
    case .float32, .float16, .bfloat16: APUS_LANE_F32
    case .float64: APUS_LANE_F64
    case .int32, .uint8, .bool: APUS_LANE_I32
    case .int64: APUS_LANE_I64
    }
  }

  package var c: apus_type { apus_type(rawValue: UInt32(rawValue)) }
}

extension apus_tile_operation {
  /// The lanes of the result of an instruction that works in `lane`.
  func resultLane(_ lane: apus_lane) -> apus_lane {
    switch self {
    case APUS_TILE_EQUAL, APUS_TILE_NOT_EQUAL, APUS_TILE_LESS, APUS_TILE_LESS_EQUAL,
      APUS_TILE_IS_FINITE,
      APUS_TILE_IS_NAN, APUS_TILE_TO_BOOL, APUS_TILE_TO_I32:
      APUS_LANE_I32
    case APUS_TILE_TO_F32: APUS_LANE_F32
    case APUS_TILE_TO_F64: APUS_LANE_F64
    case APUS_TILE_TO_I64: APUS_LANE_I64
    default: lane
    }
  }
}

extension TileBuilder {
  /// A copy with a change of element type.
  static func kernel(copying input: TensorType, to type: DataType) -> PreparedKernel {
    kernel(of: Cast(to: type), [input], input.with(type))
  }
}

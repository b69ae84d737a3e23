internal import CKernels
public import StableHLO

/// Random numbers from a key (int64, one element): Philox 4×32-10 of the key and each number's position, so that every
/// device and number of threads gives the same ones.
public struct Random: SingleOutputPrimitive {
  public enum Kind: Int32, Sendable {
    /// 32 bits as int32.
    case bits
    /// In 0 ..< 1, float32 or float64.
    case uniform
    /// Mean 0 and deviation 1, float32 or float64.
    case normal
  }

  let kind: Kind
  let type: TensorType

  public init(_ kind: Kind, _ type: TensorType) {
    self.kind = kind
    self.type = type
  }

  public var name: String { "random \(kind)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard inputs[0] == TensorType([], .int64) else {
      throw ShapeError("a key is one int64, not \(inputs[0])")
    }
    let types: [DataType] = kind == .bits ? [.int32] : [.float32, .float64]
    guard types.contains(type.dataType) else {
      throw ShapeError("\(kind) are \(types[0]), not \(type.dataType); cast(to:) what was drawn")
    }
    return type
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [nil] }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var description = apus_random(
      count: Int64(output.count), kind: kind.rawValue, type: output.dataType.rawValue)
    return unsafe PreparedKernel(name) { unsafe apus_random_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let perBlock = output.dataType == .float64 ? 2 : 4
    let blocks = (output.count + perBlock - 1) / perBlock
    let words = Philox.words(of: operands[0], blocks: blocks, into: &function)
    let numbers = numbers(words, output.dataType, into: &function)
    // One column for each number of a block.
    let columns = numbers.map { function.reshape($0, to: [blocks, 1]) }
    let all = function.reshape(function.concatenate(columns, axis: 1), to: [blocks * perBlock])
    let wanted = function.slice(all, starts: [0], limits: [output.count], strides: [1])
    return function.reshape(wanted, to: output.shape)
  }

  private func numbers(_ words: [Value], _ type: DataType, into function: inout FunctionBuilder)
    -> [Value]
  {
    if kind == .bits {
      return words.map {
        function.bitcastConvert(function.convert($0, to: .ui32), to: .i32)
      }
    }
    let integers = type == .float64 ? Philox.longs(words, into: &function) : words
    let bits = type == .float64 ? 53 : 24
    let unit = function.constant(0x1p0 / Double(UInt64(1) << UInt64(bits)), shape(words, type))
    let high = integers.map { word in
      function.binary(
        .shiftRightLogical, word,
        function.constant(type == .float64 ? 11 : 8, ValueType(word.shape, .ui64)))
    }
    let reals = high.map { function.convert($0, to: type.hlo) }
    if kind == .uniform { return reals.map { function.binary(.multiply, $0, unit) } }
    let half = function.constant(0.5, shape(words, type))
    let centred = reals.map {
      function.binary(.multiply, function.binary(.add, $0, half), unit)
    }
    return stride(from: 0, to: centred.count, by: 2).flatMap {
      boxMuller(centred[$0], centred[$0 + 1], type, into: &function)
    }
  }

  private func shape(_ words: [Value], _ type: DataType) -> ValueType {
    ValueType(words[0].shape, type.hlo)
  }

  /// r cos 2πv and r sin 2πv with r = √(−2 log u): two independent normal numbers.
  private func boxMuller(
    _ u: Value, _ v: Value, _ type: DataType, into function: inout FunctionBuilder
  ) -> [Value] {
    let minusTwo = function.constant(-2.0, u.type)
    let turn = function.constant(2 * Double.pi, u.type)
    let square = function.binary(.multiply, function.unary(.log, u), minusTwo)
    let radius = function.unary(.sqrt, square)
    let angle = function.binary(.multiply, v, turn)
    return [UnaryOperation.cosine, .sine].map {
      function.binary(.multiply, radius, function.unary($0, angle))
    }
  }
}

/// The generator in 64-bit integers, one block of four words for every element.
private enum Philox {
  /// Words of the blocks 0 ..< blocks, 32 bits in ui64.
  static func words(of key: Value, blocks: Int, into function: inout FunctionBuilder) -> [Value] {
    let type = ValueType([blocks], .ui64)
    let mask = function.constant(0xFFFF_FFFF, type)
    let shift = function.constant(32, type)
    let unsigned = function.bitcastConvert(key, to: .ui64)
    let wide = function.broadcastInDim(unsigned, axes: [], to: [blocks])
    var keys = [
      function.binary(.and, wide, mask), function.binary(.shiftRightLogical, wide, shift),
    ]
    let weyl = [0x9E37_79B9, 0xBB67_AE85].map { function.constant($0, type) }
    let multipliers = [0xD251_1F53, 0xCD9E_8D57].map { function.constant($0, type) }
    let block = function.iota(0, type)
    let zero = function.constant(0, type)
    var c = [
      function.binary(.and, block, mask), function.binary(.shiftRightLogical, block, shift), zero,
      zero,
    ]
    for _ in 0..<10 {
      let products = [0, 1].map { function.binary(.multiply, c[2 * $0], multipliers[$0]) }
      let high = products.map { function.binary(.shiftRightLogical, $0, shift) }
      let low = products.map { function.binary(.and, $0, mask) }
      let first = function.binary(.xor, function.binary(.xor, high[1], c[1]), keys[0])
      let third = function.binary(.xor, function.binary(.xor, high[0], c[3]), keys[1])
      c = [first, low[1], third, low[0]]
      keys = [0, 1].map {
        function.binary(.and, function.binary(.add, keys[$0], weyl[$0]), mask)
      }
    }
    return c
  }

  /// Pairs of words as 64 bits, the first word being the high half.
  static func longs(_ words: [Value], into function: inout FunctionBuilder) -> [Value] {
    let shift = function.constant(32, words[0].type)
    return [0, 2].map {
      function.binary(.or, function.binary(.shiftLeft, words[$0], shift), words[$0 + 1])
    }
  }
}

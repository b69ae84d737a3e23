import CKernels
import Testing

func access(
  stride: Int, step: Int, type: apus_type, buffer: Int, divisor: Int = 1, modulus: Int = 1 << 40,
  kind: apus_access_kind = APUS_MEMORY
) -> apus_access {
  apus_access(
    divisor: Int64(divisor), modulus: Int64(modulus), stride: Int64(stride), step: Int32(step),
    kind: Int32(kind.rawValue), type: Int32(type.rawValue), buffer: Int32(buffer))
}

func instruction(
  _ operation: apus_tile_operation, _ lane: apus_lane, to destination: Int, _ operands: Int...,
  immediates: (Double, Double) = (0, 0)
) -> apus_tile_instruction {
  func operand(_ i: Int) -> UInt16 { i < operands.count ? UInt16(operands[i]) : 0 }
  return apus_tile_instruction(
    operation: UInt16(operation.rawValue), lane: UInt16(lane.rawValue),
    destination: UInt16(destination), a: operand(0), b: operand(1), c: operand(2),
    immediate: immediates)
}

func output(_ access: apus_access, source: Int, store: apus_store = APUS_STORE) -> apus_tile_output
{
  apus_tile_output(access: access, store: Int32(store.rawValue), source: Int32(source))
}

/// A tile program of `registers` registers; operands are numbered as in tiles.h.
struct TileProgram {
  var rows = 1
  var columns: Int
  var registers = 8
  var inputs: [apus_access] = []
  var literals: [apus_tile_literal] = []
  var outputs: [apus_tile_output] = []
  var instructions: [apus_tile_instruction] = []

  /// Runs the program with one and with two threads; false where it was refused.
  func run(on set: String? = nil, _ buffers: [Memory]) -> Bool {
    unsafe inputs.withUnsafeBufferPointer { inputs in
      unsafe literals.withUnsafeBufferPointer { literals in
        unsafe outputs.withUnsafeBufferPointer { outputs in
          unsafe instructions.withUnsafeBufferPointer { instructions in
            var program = unsafe apus_tile_program(
              rows: Int64(rows), columns: Int64(columns), register_count: Int32(registers),
              input_count: Int32(inputs.count), literal_count: Int32(literals.count),
              output_count: Int32(outputs.count), instruction_count: Int32(instructions.count),
              inputs: inputs.baseAddress, literals: literals.baseAddress,
              outputs: outputs.baseAddress, instructions: instructions.baseAddress)
            return KernelsTests.run(on: set, buffers) {
              unsafe apus_tiles_prepare(&program, $0.pointer)
            }
          }
        }
      }
    }
  }
}

/// Runs one operation over arrays of the lane's own type.
func apply<In: BitwiseCopyable, Out: BitwiseCopyable>(
  _ operation: apus_tile_operation, _ lane: apus_lane, _ operands: [[In]], from type: apus_type,
  to resultType: apus_type, as: Out.Type, on set: String? = nil,
  immediates: (Double, Double) = (0, 0)
) -> [Out] {
  let count = operands[0].count
  var program = TileProgram(columns: count, registers: 1)
  var buffers = operands.map { Memory($0) }
  for i in operands.indices {
    program.inputs.append(access(stride: 0, step: 1, type: type, buffer: i))
  }
  let numbers = operands.indices.map { 1 + $0 }
  program.instructions = [
    apus_tile_instruction(
      operation: UInt16(operation.rawValue), lane: UInt16(lane.rawValue), destination: 0,
      a: UInt16(numbers[0]), b: UInt16(numbers.count > 1 ? numbers[1] : 0),
      c: UInt16(numbers.count > 2 ? numbers[2] : 0), immediate: immediates)
  ]
  program.outputs = [
    output(access(stride: 0, step: 1, type: resultType, buffer: operands.count), source: 0)
  ]
  let result = Memory(count * MemoryLayout<Out>.stride, of: UInt8(0xEE))
  buffers.append(result)
  #expect(program.run(on: set, buffers), "the program was refused")
  return result.values(Out.self)
}

/// Units in the last place of float32 between a result and the value that double arithmetic gives.
func unitsInLastPlace(_ result: Float, _ exact: Double) -> Double {
  let rounded = Float(exact)
  if result == rounded || (result.isNaN && exact.isNaN) { return 0 }
  guard result.isFinite, rounded.isFinite else { return .infinity }
  return abs(Double(result) - exact) / Double(max(rounded.ulp, Float.leastNonzeroMagnitude))
}

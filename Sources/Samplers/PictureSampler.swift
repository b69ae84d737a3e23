internal import Layers
public import Models
public import Tensors

/// Draws pictures pixel by pixel, from the upper left to the lower right.
public enum PictureSampler {
  /// Symbols, int32 [count, height, width, colours]: each pixel costs a row, each finished row is remembered.
  public static func draw<Model: RowModel>(_ model: Model, count: Int, _ key: RandomKey) -> Tensor {
    var memory: [String: Tensor] = [:]
    let shape = model.pictureShape
    let next = compiled { (model: Model, input: Row) in
      var memory = input.memory
      let empty = Tensor.zeros([count, 1] + shape.dropFirst(), .int32)
      let row = pixels(model, empty, input.key) { symbols in
        var copy = memory
        return model.parameters(ofRow: symbols, number: input.number, &copy).squeezed(1)
      }
      _ = model.parameters(ofRow: row, number: input.number, &memory)
      return Pair(row, memory)
    }
    var rows: [Tensor] = []
    for number in 0..<shape[0] {
      // The first row is its own program: nothing is remembered yet.
      let place = number % model.rowPeriod
      let input = Row(memory: memory, number: place, key: key.fork(number))
      let drawn = next(model, input)
      rows.append(drawn.first)
      memory = drawn.second
    }
    return concatenate(rows, axis: 1)
  }

  private struct Row: Module {
    var memory: [String: Tensor]
    let number: Int
    var key: RandomKey

    mutating func visit(_ visitor: inout Visitor) {
      visitor.buffer("memory", &memory)
      visitor.buffer("key", &key)
      visitor.fixed("number", number)
    }
  }

  /// A row [batch, 1, width, colours] with all its pixels drawn.
  private static func pixels<Model: RowModel>(
    _ model: Model, _ empty: Tensor, _ key: RandomKey, _ parameters: (Tensor) -> Tensor
  ) -> Tensor {
    let (width, draws) = (empty.shape[2], model.drawsPerPixel)
    let steps = Tensor.range(width * draws)
    let perPixel = Tensor.fill(integer: Int64(draws), steps.shape, .int32)
    let columns = Tensor((0..<width * draws).map { Int32($0 / draws) })
    let places = Pair(Pair(columns, steps.remainder(perPixel)), steps)
    return scan(empty, over: places) { row, input in
      let (column, draw) = (input.first.first, input.first.second)
      let all = parameters(row)
      let here = all.gathered(1, column.expanded(0)).squeezed(1)
      let pixel = row.squeezed(1).gathered(1, column.expanded(0)).squeezed(1)
      let new = model.drawn(pixel, here, draw: draw, key.fork(input.second))
      let isHere = Tensor.range(width).equal(to: column).reshaped([1, 1, width, 1])
      row = select(isHere, new.expanded([1, 2]), row)
      return Nothing()
    }.carry
  }
}

public import Tensors

/// A model of pictures that can be computed row by row, so that drawing a pixel costs a row and not a picture.
public protocol RowModel: SymbolModel {
  /// Height, width and colours of the pictures.
  var pictureShape: [Int] { get }
  /// Rows after which the computation repeats itself.
  var rowPeriod: Int { get }
  /// Draws that a pixel needs, one after the other.
  var drawsPerPixel: Int { get }
  /// The parameters of the pixels' distributions, [batch, height, width, parameters], each of earlier symbols alone.
  /// - Parameter symbols: [batch, height, width, colours], int32.
  func parameters(of symbols: Tensor) -> Tensor
  /// The same of one row, [batch, 1, width, …], the rows above being in the memory, which then has this one too.
  /// - Parameters:
  ///   - number: the row's number from the top.
  ///   - memory: empty before the first row.
  func parameters(ofRow symbols: Tensor, number: Int, _ memory: inout [String: Tensor]) -> Tensor
  /// A pixel with one more draw: colours [batch, colours].
  /// - Parameters:
  ///   - parameters: [batch, parameters].
  ///   - draw: which of the pixel's draws: int32, shape [].
  func drawn(_ pixel: Tensor, _ parameters: Tensor, draw: Tensor, _ key: RandomKey) -> Tensor
}

extension RowModel {
  public var length: Int? { pictureShape.reduce(1, *) }
}

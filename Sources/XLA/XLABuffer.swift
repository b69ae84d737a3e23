internal import CPJRT
internal import Tensors

/// A value in the memory of one device, or of several that work together.
@safe
final class XLABuffer: DeviceBuffer {
  let type: TensorType
  /// One for each replica; with `isSplit` each holds a part along the first axis.
  let parts: [Handle]
  let isSplit: Bool
  private unowned let executor: XLAExecutor
  private let client: Client

  /// - Parameter type: of one part.
  init(_ parts: [Handle], _ type: TensorType, isSplit: Bool, _ executor: XLAExecutor) {
    self.parts = parts
    self.type = type
    self.isSplit = isSplit
    self.executor = executor
    client = executor.client
  }

  /// Whether a program on `executor` can read the value as such an argument.
  func serves(_ executor: XLAExecutor, _ type: TensorType, isSplit: Bool) -> Bool {
    self.executor === executor && self.type == type && self.isSplit == isSplit && !isGivenAway
  }

  private var isGivenAway: Bool {
    var isDeleted = false
    let error = unsafe apus_pjrt_is_deleted(client.plugin.api, parts[0].pointer, &isDeleted)
    if let error = unsafe error { unsafe apus_pjrt_error_destroy(client.plugin.api, error) }
    return isDeleted
  }

  func fetch() throws -> Storage {
    let device = client.platform
    if isGivenAway { throw XLAError.lost(device: device) }
    let read = isSplit ? parts : [parts[0]]
    let storage = Storage(byteCount: type.byteCount * read.count)
    for (i, part) in read.enumerated() where type.byteCount > 0 {
      unsafe try client.plugin.check(
        apus_pjrt_download(
          client.plugin.api, part.pointer, type.rank, storage.pointer + i * type.byteCount,
          type.byteCount),
        "reading \(type)", on: device)
    }
    return storage
  }
}

extension DataType {
  /// The number of the element type in the PJRT interface.
  var pjrt: Int32 {
    switch self {
    case .bool: 1
    case .int32: 4
    case .int64: 5
    case .uint8: 6
    case .float16: 10
    case .float32: 11
    case .float64: 12
    case .bfloat16: 13
    }
  }
}

internal import CImages
internal import Foundation

/// Calls a C function that may fail and turns its status and sentence into an error.
func checked(
  _ source: String, _ body: (UnsafeMutablePointer<CChar>) -> apus_status
) throws(ImageError) {
  var message = [CChar](repeating: 0, count: Int(APUS_ERROR_LENGTH))
  let status = unsafe message.withUnsafeMutableBufferPointer { buffer in
    // The buffer is not empty, so it has an address.
    unsafe body(buffer.baseAddress!)
  }
  if status == APUS_OK { return }
  let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  var reason = String(decoding: text, as: UTF8.self)
  while reason.hasSuffix(".") || reason.hasSuffix("\n") { reason.removeLast() }
  switch status {
  case APUS_TRUNCATED: throw .truncated(source: source, reason: reason)
  case APUS_TOO_LARGE, APUS_NO_MEMORY: throw .tooLarge(source: source, reason: reason)
  default: throw .malformed(source: source, reason: reason)
  }
}

/// Calls a C function that returns memory of its own, and copies that memory.
func collected(
  _ source: String,
  _ body: (
    UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<Int>,
    UnsafeMutablePointer<CChar>
  ) -> apus_status
) throws(ImageError) -> [UInt8] {
  var output: UnsafeMutablePointer<UInt8>?
  var count = 0
  defer { unsafe apus_free(output) }
  try unsafe checked(source) { unsafe body(&output, &count, $0) }
  return unsafe Array(UnsafeBufferPointer(start: output, count: count))
}

/// The bytes of a file.
func readFile(_ path: String) throws(ImageError) -> [UInt8] {
  do {
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let reason =
      !exists ? "no such file" : isFolder.boolValue ? "a folder, not a file" : "cannot be read"
    throw .file(path: path, reason: reason)
  }
}

/// Writes a file under a temporary name and renames it, so that nobody sees half of it.
func writeFile(_ bytes: [UInt8], to path: String) throws(ImageError) {
  do {
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw .file(
      path: path, reason: "cannot be written: is its folder there, writable, and the disk not full?"
    )
  }
}

import Datasets
import Foundation
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A server of this machine that answers one request with a text and hangs up.
/// - Returns: the address of its files.
private func server(answering answer: String) throws -> String {
  #if canImport(Glibc)
    let kind = Int32(SOCK_STREAM.rawValue)
  #else
    let kind = SOCK_STREAM
  #endif
  let listener = socket(AF_INET, kind, 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe bind(listener, $0, length) == 0 && listen(listener, 1) == 0
        && getsockname(listener, $0, &length) == 0
    }
  }
  try #require(isBound)
  Thread.detachNewThread {
    let connection = accept(listener, nil, nil)
    close(listener)
    var request = [UInt8](repeating: 0, count: 4096)
    _ = unsafe read(connection, &request, request.count)
    _ = unsafe write(connection, answer, answer.utf8.count)
    close(connection)
  }
  return "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
}

@Suite("Downloads that fail")
struct DownloadTests {
  /// Tries to fetch "hello" and says why that failed; nothing may be left of it, and the old file must be whole.
  private func reason(_ source: String, bytes: Int = 5) throws -> String {
    let scratch = try Scratch()
    let old = try scratch.write(Array("old".utf8), to: "cache/x/hello.gz")
    let download = Download(
      sources: [source],
      files: [.init(name: "hello.gz", bytes: bytes, md5: "5d41402abc4b2a76b9719d911017c592")])
    var message = ""
    do throws(DatasetError) {
      try download.fetch(into: scratch.path + "/cache/x", of: .fashionMNIST) { _ in }
      Issue.record("it was fetched")
    } catch {
      guard case .fetch("fashion-mnist", let reason, let mend) = error else {
        Issue.record("another error: \(error)")
        return ""
      }
      #expect(mend.first?.hasPrefix("apus data get fashion-mnist") == true)
      message = reason
    }
    #expect(FileManager.default.contents(atPath: old) == Data("old".utf8))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/cache/x") == ["hello.gz"]
    )
    return message
  }

  @Test("One that breaks off is refused and leaves nothing")
  func interrupted() throws {
    let reason = try reason(server(answering: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhel"))
    #expect(reason.contains("(18)"), "\(reason)")
  }

  @Test("One without its length that breaks off is known by its checksum")
  func short() throws {
    let reason = try reason(server(answering: "HTTP/1.0 200 OK\r\n\r\nhel"))
    #expect(reason.contains("MD5") && reason.contains("5d41402abc4b2a76b9719d911017c592"))
  }

  @Test("Another file, one that is too long, and none")
  func wrong() throws {
    #expect(
      try reason(server(answering: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhallo")).contains(
        "MD5"))
    #expect(
      try reason(server(answering: "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello you"))
        .contains("(63)"))
    #expect(
      try reason(server(answering: "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")).contains(
        "404"))
  }

  @Test("Without a network, the reason is curl's")
  func noNetwork() throws {
    #expect(try reason("http://127.0.0.1:1/").contains("connect"))
    #expect(try reason("http://nowhere.invalid/").contains("resolve"))
  }

  @Test("What killed programs left half fetched goes away, and nothing else")
  func leftovers() throws {
    let scratch = try Scratch()
    try scratch.write(Array("hello".utf8), to: "web/hello.gz")
    let ended = Process()
    ended.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    ended.arguments = ["true"]
    try ended.run()
    ended.waitUntilExit()
    let living = "hello.gz.\(ProcessInfo.processInfo.processIdentifier).part"
    let stale = "hello.gz.\(ended.processIdentifier).part"
    for name in [living, stale, "mine.part", "hello.gz.x.part"] {
      try scratch.write([1], to: "cache/x/" + name)
    }
    let download = Download(
      sources: ["file://\(scratch.path)/web/"],
      files: [.init(name: "hello.gz", bytes: 5, md5: "5d41402abc4b2a76b9719d911017c592")])
    // It is there, so that nothing is fetched.
    try scratch.write(Array("hello".utf8), to: "cache/x/hello.gz")
    #expect(try download.fetch(into: scratch.path + "/cache/x", of: .fashionMNIST) { _ in } == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/cache/x")
    #expect(Set(names) == ["hello.gz", living, "mine.part", "hello.gz.x.part"])
  }
}

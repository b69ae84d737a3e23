import Datasets
import Foundation
import Images
import Testing

@Suite("Fashion-MNIST")
struct FashionMNISTTests {
  @Test(
    "All 70,000 pictures are read, as many of each class",
    .enabled(if: present("fashion-mnist"), "needs dataset-fashion-mnist"))
  func whole() throws {
    let data = try FashionMNIST(orEmbedded: false)
    #expect((data.train.count, data.test.count) == (60_000, 10_000))
    #expect(data.train.countsPerClass == Array(repeating: 6000, count: 10))
    #expect(data.test.countsPerClass == Array(repeating: 1000, count: 10))
    #expect((data.train.width, data.train.height, data.train.channels) == (28, 28, 1))
    #expect(data.train.labels.prefix(5) == [9, 0, 0, 3, 0])
    // Sums by an independent reader (Python's gzip and zlib).
    #expect(Deflate.crc32(data.train.pixels) == 0xAE65_DCCD)
    #expect(Deflate.crc32(data.test[9999].pixels) == 0x4C5E_DC96)
    #expect((data.fitting.count, data.tuning.count) == (55_000, 5_000))
    #expect(data.tuning[0] == data.train[55_000])
  }

  @Test("Without files the embedded part is taken, and says so")
  func embedded() throws {
    let data = try FashionMNIST(in: Scratch().places)
    #expect((data.train.count, data.test.count) == (10_000, 1_000))
    #expect(data.train.countsPerClass == Array(repeating: 1000, count: 10))
    #expect(data.test.countsPerClass == Array(repeating: 100, count: 10))
    #expect(data.train.labels.prefix(5) == [9, 0, 0, 3, 0])
    guard case .embedded(let note) = data.source else {
      Issue.record("not embedded: \(data.source)")
      return
    }
    #expect(note.contains("11,000") && note.contains("70,000"))
  }

  @Test(
    "The embedded pictures are the first of each class",
    .enabled(if: present("fashion-mnist"), "needs dataset-fashion-mnist"))
  func embeddedIsAPart() throws {
    let whole = try FashionMNIST(orEmbedded: false)
    let part = try FashionMNIST(in: Scratch().places)
    var next = 0
    for index in whole.test.labels.indices where next < part.test.count {
      if whole.test[index] == part.test[next] { next += 1 }
    }
    #expect(next == part.test.count)
  }

  @Test("Where nothing is, the error says where it looked and what to do")
  func missing() throws {
    let scratch = try Scratch()
    #expect {
      try FashionMNIST(in: scratch.places, orEmbedded: false)
    } throws: { error in
      let lines = "\(error)".split(separator: "\n")
      return lines[0] == "the data set \"fashion-mnist\" is missing."
        && lines[1]
          == "  looked in   \(scratch.path)/system/datasets/fashion-mnist, "
          + "\(scratch.path)/cache/fashion-mnist"
        && lines[2].hasPrefix("  try         ")
        && lines.last!.contains("apus data get fashion-mnist        (31 MB, checksum known)")
    }
  }

  @Test("A whole set in the cache is read from there")
  func cache() throws {
    let scratch = try Scratch()
    try writeSmallSet(scratch)
    let data = try FashionMNIST(in: scratch.places)
    #expect(data.source == .files(folder: scratch.path + "/cache/fashion-mnist"))
    #expect(data.train[1].pixels == [5, 6, 7, 8] && data.test.labels == [2])
  }

  @Test("Damaged files are refused by name, with what was found and expected")
  func damaged() throws {
    try expectDamage("train-images-idx3-ubyte.gz", idx([2, 2, 2], [1, 2, 3]), "19 bytes", "24")
    try expectDamage("train-images-idx3-ubyte.gz", idx([2], [1, 2]), "10 bytes", "16")
    try expectDamage("train-labels-idx1-ubyte.gz", idx([1, 1, 1], [1]), "0x00000803", "0x00000801")
    try expectDamage("train-labels-idx1-ubyte.gz", idx([3], [1, 2, 3]), "3 labels", "2 pictures")
    try expectDamage("train-labels-idx1-ubyte.gz", idx([2], [1, 10]), "label 10", "10 classes")
    try expectDamage("t10k-labels-idx1-ubyte.gz", Array(idx([1], [1]).dropLast(4)), "cut short", "")
    try expectDamage("t10k-images-idx3-ubyte.gz", [], "cut short", "")
    try expectDamage("t10k-images-idx3-ubyte.gz", Array("text".utf8), "incorrect header", "")
    try expectDamage(
      "t10k-images-idx3-ubyte.gz", idx([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], []), "asks for", "")
  }

  private func writeSmallSet(_ scratch: Scratch) throws {
    let folder = "cache/fashion-mnist/"
    try scratch.write(
      idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), to: folder + "train-images-idx3-ubyte.gz")
    try scratch.write(idx([2], [0, 9]), to: folder + "train-labels-idx1-ubyte.gz")
    try scratch.write(idx([1, 2, 2], [9, 9, 9, 9]), to: folder + "t10k-images-idx3-ubyte.gz")
    try scratch.write(idx([1], [2]), to: folder + "t10k-labels-idx1-ubyte.gz")
  }

  private func expectDamage(
    _ name: String, _ bytes: [UInt8], _ found: String, _ expected: String
  ) throws {
    let scratch = try Scratch()
    try writeSmallSet(scratch)
    let path = try scratch.write(bytes, to: "cache/fashion-mnist/" + name)
    do throws(DatasetError) {
      _ = try FashionMNIST(in: scratch.places)
      Issue.record("\(name) was read")
    } catch {
      guard case .damaged(path, let reason) = error else {
        Issue.record("another error: \(error)")
        return
      }
      #expect(reason.contains(found) && (expected.isEmpty || reason.contains(expected)))
    }
  }
}

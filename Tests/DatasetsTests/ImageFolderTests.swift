import Datasets
import Images
import Testing

@Suite("Folders of pictures")
struct ImageFolderTests {
  private func picture(_ color: [UInt8], width: Int = 6, height: Int = 4) throws -> [UInt8] {
    try Image(width: width, height: height, channels: color.count, filledWith: color).pngData()
  }

  @Test("Folders inside are the classes, in the order of their names")
  func classes() throws {
    let scratch = try Scratch()
    try scratch.write(picture([200, 10, 10]), to: "set/red/1.png")
    try scratch.write(picture([220, 20, 20], width: 2, height: 9), to: "set/red/deep/2.PNG")
    try scratch.write(picture([0, 0, 255, 0]), to: "set/blue/x.png")
    try scratch.write(Array("notes".utf8), to: "set/readme.txt")
    let data = try ImageFolder.pictures(in: scratch.path + "/set", size: 4)
    #expect(data.classNames == ["blue", "red"] && data.labels == [0, 1, 1])
    #expect((data.width, data.height, data.channels, data.count) == (4, 4, 3, 3))
    #expect(Array(data[0][0, 0]) == [255, 255, 255], "transparent on white")
    #expect(Array(data[2][3, 3]) == [220, 20, 20])
    let gray = try ImageFolder.pictures(in: scratch.path + "/set/", size: 1, channels: 1)
    #expect(gray.pixels.count == 3 && gray.classNames == data.classNames)
  }

  @Test("A flat folder is one class")
  func flat() throws {
    let scratch = try Scratch()
    try scratch.write(picture([7]), to: "cats/1.png")
    let data = try ImageFolder.pictures(in: scratch.path + "/cats", size: 2, channels: 1)
    #expect(data.classNames == ["cats"] && data.pixels == [7, 7, 7, 7])
  }

  @Test("Empty and missing folders and damaged pictures are refused by name")
  func refusals() throws {
    let scratch = try Scratch()
    let path = try scratch.write(Array(picture([1]).dropLast(9)), to: "bad/1.png")
    #expect {
      try ImageFolder.pictures(in: scratch.path + "/bad", size: 2)
    } throws: { error in
      if case DatasetError.damaged(path, _) = error { true } else { false }
    }
    #expect(
      throws: DatasetError.file(
        path: "/nowhere", reason: "no such folder, or it cannot be read")
    ) { try ImageFolder.pictures(in: "/nowhere", size: 2) }
    try scratch.write([], to: "none/readme.txt")
    #expect(
      throws: DatasetError.file(
        path: scratch.path + "/none", reason: "no PNG, JPEG or WebP file under this folder")
    ) { try ImageFolder.pictures(in: scratch.path + "/none", size: 2) }
    #expect(throws: DatasetError.self) { try ImageFolder.pictures(in: scratch.path, size: 0) }
  }
}

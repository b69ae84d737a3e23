import Datasets
import Testing

@Suite struct LabeledTextsTests {
  @Test func `tables are read with commas, quotes and ends of lines within fields`() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      Array("id,text,label\r\n1,\"a, \"\"b\"\"\nc\",x\r\n2,,y\r\n3,d,x".utf8), to: "t.csv")
    let texts = try LabeledTexts(contentsOf: path)
    #expect(texts.texts == ["a, \"b\"\nc", "", "d"])
    #expect(texts.classNames == ["x", "y"])
    #expect(texts.labels == [0, 1, 0])
  }

  @Test func `lines of objects are read, and a wrong one is named`() throws {
    let scratch = try Scratch()
    let good = try scratch.write(
      Array("{\"text\": \"a\", \"label\": 1}\n\n{\"text\": \"b\", \"label\": 0}\n".utf8),
      to: "t.jsonl")
    #expect(try LabeledTexts(contentsOf: good).labels == [1, 0])
    let bad = try scratch.write(
      Array("{\"text\": \"a\", \"label\": 1}\n{\"text\": 3}\n".utf8), to: "b.jsonl")
    #expect { try LabeledTexts(contentsOf: bad) } throws: { "\($0)".contains("line 2") }
  }
}

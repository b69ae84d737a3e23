internal import Foundation
internal import Tensors
internal import Tokenizers

extension ModelFolder {
  /// What the folder's `tokenizer.json` describes.
  func tokenizer() throws(PublishedError) -> TokenizerPipeline {
    let file = url.appendingPathComponent("tokenizer.json")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw .missing(file: file.path, mend: "put the model's tokenizer.json beside its config.json")
    }
    do {
      return try TokenizerPipeline(contentsOf: file)
    } catch {
      throw .tokenizer(file: file.path, error)
    }
  }
}

extension ModelInputs {
  /// Texts as encoders read them: `input_ids` and `attention_mask`, int64, [texts, longest], padding at the end.
  init(texts: [[Int]], _ pad: Int) {
    let length = max(1, texts.map(\.count).max() ?? 0)
    func rows(_ value: (_ text: [Int], _ place: Int) -> Int) -> Tensor {
      Tensor(
        texts.flatMap { text in (0..<length).map { Int64(value(text, $0)) } },
        shape: [texts.count, length])
    }
    self.init([
      "input_ids": rows { $1 < $0.count ? $0[$1] : pad },
      "attention_mask": rows { $1 < $0.count ? 1 : 0 },
    ])
  }
}

internal import Foundation
internal import Tensors
public import Tokenizers

extension ModelFolder {
  /// What the folder's `tokenizer.json` describes, or the files that came before it.
  public func tokenizer() throws(PublishedError) -> TokenizerPipeline {
    do {
      return try TokenizerPipeline(folder: url)
    } catch {
      guard case .file(url.path, _) = error else {
        throw .tokenizer(file: url.appendingPathComponent("tokenizer.json").path, error)
      }
      throw .missing(
        file: url.appendingPathComponent("tokenizer.json").path,
        mend: "put the model's tokenizer.json beside its config.json")
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

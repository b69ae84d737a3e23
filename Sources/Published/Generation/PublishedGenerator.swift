internal import Documents
internal import Foundation
public import Layers
public import Models
public import Samplers
internal import Tensors

/// A published network that writes: a decoder alone, or one that answers an encoder.
///
/// A bridge names the part that reads tokens and says how it begins; `TokenGenerator`, `apus sample` and `apus verify` do the
/// rest.
///
///     public protocol PublishedDecoder: PublishedGenerator { … }
///
///     extension PublishedDecoder {
///       public var generator: GPT { model }
///     }
public protocol PublishedGenerator: PublishedModel {
  associatedtype Generator: TokenModel where Generator.Memory: RewindableMemory
  /// The part that reads tokens, one after the other.
  var generator: Generator { get }
  /// Whether the network has a head that gives logits.
  var canWrite: Bool { get }
  /// What the encoder makes of its inputs, one row an example.
  func source(of inputs: ModelInputs) throws(PublishedError) -> Generator.Source
}

extension PublishedGenerator where Generator.Source == Nothing {
  public func source(of inputs: ModelInputs) -> Nothing { Nothing() }
}

extension PublishedGenerator {
  /// Whether an encoder reads first, so that texts begin with the decoder's start token.
  static var hasEncoder: Bool { Generator.Source.self != Nothing.self }
}

extension GenerationSettings {
  /// Takes over what the values of a file name.
  public mutating func update(from file: ModelConfiguration) throws(PublishedError) {
    do {
      let values = try JSONDecoder().decode(
        DecoderOfValues.self, from: Data(file.values.encoded()))
      try update(from: values.decoder)
      try check()
    } catch let error as GenerationError {
      throw .configuration(file: file.file, problem: "\(error)", mend: "correct the value")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context) {
      let name = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw .configuration(
        file: file.file, problem: "\"\(name)\": \(context.debugDescription)",
        mend: "correct the value")
    } catch {
      throw .configuration(file: file.file, problem: "\(error)", mend: "correct the value")
    }
  }

  /// How the network of a folder writes: what `generation_config.json` says, else what `config.json` does. Tokens are drawn
  /// from the likeliest 50 unless a file says otherwise, as transformers has it.
  public init(of folder: ModelFolder) throws(PublishedError) {
    self.init()
    topK = 50
    try update(from: folder.configuration)
    let file = folder.url.appendingPathComponent("generation_config.json")
    guard FileManager.default.fileExists(atPath: file.path) else { return }
    // Of the other file only the tokens count then.
    var settings = GenerationSettings()
    settings.topK = 50
    settings.bosTokenId = bosTokenId
    settings.eosTokenId = eosTokenId
    settings.padTokenId = padTokenId
    settings.decoderStartTokenId = decoderStartTokenId
    try settings.update(from: ModelConfiguration(reading: file))
    self = settings
  }

  /// The prompt of a decoder that answers an encoder.
  func startPrompt(_ file: String) throws(PublishedError) -> [Int] {
    guard let start = decoderStartTokenId ?? bosTokenId else {
      throw .configuration(
        file: file, problem: "\"decoder_start_token_id\" is missing",
        mend: "name the token that answers begin with")
    }
    return [start]
  }
}

/// Hands out the decoder itself, so that values are taken over into settings that are there.
private struct DecoderOfValues: Decodable {
  let decoder: any Decoder
  init(from decoder: any Decoder) { self.decoder = decoder }
}

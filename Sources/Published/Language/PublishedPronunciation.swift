public import Layers
public import Models
public import Tensors

/// The pronunciation of English words by the package g2p-en, from its `checkpoint20.npz`.
///
/// Input `letters`: tokens [batch, letters] as `PronunciationModel.tokens(of:)` gives them. Outputs: `encoded`, the state
/// behind the last letter, and of 20 greedy steps `phonemes` and `logits`.
public struct PublishedPronunciation: PublishedInference {
  public var model: PronunciationModel
  public let names: WeightNames = {
    var rules = [
      ("letters.weight", "enc_emb"), ("phonemes.weight", "dec_emb"), ("head.weight", "fc_w"),
      ("head.bias", "fc_b"),
    ]
    for (ours, theirs) in [("encoder", "enc"), ("decoder", "dec")] {
      for side in ["ih", "hh"] {
        rules.append(("\(ours).weight_\(side)", "\(theirs)_w_\(side)"))
        rules.append(("\(ours).bias_\(side)", "\(theirs)_b_\(side)"))
      }
    }
    return WeightNames(rules)
  }()

  public static let card = ArchitectureCard(
    "Pronunciation", family: "language", layouts: ["g2p-en"],
    source: "Cho et al., arXiv:1406.1078; github.com/Kyubyong/g2p",
    sizes: [.init("g2p_en", #"{"library": "g2p-en", "architecture": "G2p"}"#)])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "g2p-en" && configuration.architecture == "G2p"
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    model = PronunciationModel(key: key)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError)
    -> [String: Tensor]
  {
    let letters = try inputs("letters", rank: 2)
    guard letters.shape[1] > 0, !letters.dataType.isFloatingPoint else {
      throw .input(name: "letters", problem: "it is \(letters.type), not tokens [batch, letters]")
    }
    let encoded = model.encode(letters)
    let (phonemes, logits) = model.decode(encoded, limit: 20)
    return ["encoded": encoded.hidden, "phonemes": phonemes, "logits": logits]
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

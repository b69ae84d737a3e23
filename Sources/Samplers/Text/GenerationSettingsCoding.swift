extension GenerationSettings {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case maxLength = "max_length"
    case maxNewTokens = "max_new_tokens"
    case minLength = "min_length"
    case minNewTokens = "min_new_tokens"
    case stopStrings = "stop_strings"
    case doSample = "do_sample"
    case numBeams = "num_beams"
    case numBeamGroups = "num_beam_groups"
    case diversityPenalty = "diversity_penalty"
    case earlyStopping = "early_stopping"
    case lengthPenalty = "length_penalty"
    case numReturnSequences = "num_return_sequences"
    case numAssistantTokens = "num_assistant_tokens"
    case temperature
    case topK = "top_k"
    case topP = "top_p"
    case minP = "min_p"
    case typicalP = "typical_p"
    case topH = "top_h"
    case epsilonCutoff = "epsilon_cutoff"
    case etaCutoff = "eta_cutoff"
    case renormalizeLogits = "renormalize_logits"
    case removeInvalidValues = "remove_invalid_values"
    case guidanceScale = "guidance_scale"
    case repetitionPenalty = "repetition_penalty"
    case encoderRepetitionPenalty = "encoder_repetition_penalty"
    case presencePenalty = "presence_penalty"
    case frequencyPenalty = "frequency_penalty"
    case noRepeatNgramSize = "no_repeat_ngram_size"
    case encoderNoRepeatNgramSize = "encoder_no_repeat_ngram_size"
    case badWordsIds = "bad_words_ids"
    case sequenceBias = "sequence_bias"
    case suppressTokens = "suppress_tokens"
    case beginSuppressTokens = "begin_suppress_tokens"
    case forcedBosTokenId = "forced_bos_token_id"
    case forcedEosTokenId = "forced_eos_token_id"
    case bosTokenId = "bos_token_id"
    case eosTokenId = "eos_token_id"
    case padTokenId = "pad_token_id"
    case decoderStartTokenId = "decoder_start_token_id"
  }

  /// The names of all settings.
  public static var names: [String] { CodingKeys.allCases.map(\.rawValue) }

  public init(from decoder: any Decoder) throws {
    self.init()
    try update(from: decoder)
  }

  /// Takes over what a file names and leaves the rest; null means that nothing is said.
  public mutating func update(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<T: Decodable>(_ key: CodingKeys, _ value: inout T) throws {
      if let new = try values.decodeIfPresent(T.self, forKey: key) { value = new }
    }
    func readIDs(_ key: CodingKeys, _ ids: inout [Int]) throws {
      ids = try values.decodeIfPresent(OneOrMore.self, forKey: key)?.ids ?? ids
    }
    try read(.maxLength, &maxLength)
    try read(.maxNewTokens, &maxNewTokens)
    try read(.minLength, &minLength)
    try read(.minNewTokens, &minNewTokens)
    try read(.stopStrings, &stopStrings)
    try read(.doSample, &doSample)
    try read(.numBeams, &numBeams)
    try read(.numBeamGroups, &numBeamGroups)
    try read(.diversityPenalty, &diversityPenalty)
    try read(.earlyStopping, &earlyStopping)
    try read(.lengthPenalty, &lengthPenalty)
    try read(.numReturnSequences, &numReturnSequences)
    try read(.numAssistantTokens, &numAssistantTokens)
    try read(.temperature, &temperature)
    try read(.topK, &topK)
    try read(.topP, &topP)
    try read(.minP, &minP)
    try read(.typicalP, &typicalP)
    try read(.topH, &topH)
    try read(.epsilonCutoff, &epsilonCutoff)
    try read(.etaCutoff, &etaCutoff)
    try read(.renormalizeLogits, &renormalizeLogits)
    try read(.removeInvalidValues, &removeInvalidValues)
    try read(.guidanceScale, &guidanceScale)
    try read(.repetitionPenalty, &repetitionPenalty)
    try read(.encoderRepetitionPenalty, &encoderRepetitionPenalty)
    try read(.presencePenalty, &presencePenalty)
    try read(.frequencyPenalty, &frequencyPenalty)
    try read(.noRepeatNgramSize, &noRepeatNgramSize)
    try read(.encoderNoRepeatNgramSize, &encoderNoRepeatNgramSize)
    try read(.badWordsIds, &badWordsIds)
    try read(.sequenceBias, &sequenceBias)
    try read(.suppressTokens, &suppressTokens)
    try read(.beginSuppressTokens, &beginSuppressTokens)
    try read(.forcedBosTokenId, &forcedBosTokenId)
    try readIDs(.forcedEosTokenId, &forcedEosTokenId)
    try read(.bosTokenId, &bosTokenId)
    try readIDs(.eosTokenId, &eosTokenId)
    try read(.padTokenId, &padTokenId)
    try read(.decoderStartTokenId, &decoderStartTokenId)
  }
}

/// One id, or a list.
private struct OneOrMore: Decodable {
  let ids: [Int]

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let id = try? value.decode(Int.self) {
      ids = [id]
    } else {
      ids = try value.decode([Int].self)
    }
  }
}

/// false, true or "never".
extension GenerationSettings.EarlyStopping: Codable {
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let flag = try? value.decode(Bool.self) {
      self = flag ? .yes : .no
    } else if try value.decode(String.self) == "never" {
      self = .never
    } else {
      throw DecodingError.dataCorruptedError(
        in: value, debugDescription: "early_stopping is false, true or \"never\"")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .yes: try value.encode(true)
    case .no: try value.encode(false)
    case .never: try value.encode("never")
    }
  }
}

/// `[[tokens…], bias]`.
extension GenerationSettings.SequenceBias: Codable {
  public init(from decoder: any Decoder) throws {
    var list = try decoder.unkeyedContainer()
    self.init(try list.decode([Int].self), try list.decode(Double.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    try list.encode(tokens)
    try list.encode(bias)
  }
}

internal import Layers
internal import Models
public import Samplers
public import Tensors
internal import Tokenizers

/// A text that a network has written.
public struct WrittenText: Hashable, Sendable {
  /// The place of the prompt among the prompts.
  public let prompt: Int
  /// What came behind the prompt, or the answer to it; a stop string is no part of it.
  public let text: String
  /// How many tokens were written.
  public let tokenCount: Int
  /// In a beam search the sum of log-probabilities over the length to the power of the length penalty.
  public let score: Double?
}

/// A folder of published weights that writes: its network, its `tokenizer.json` and how it writes.
///
///     let writer = try TextWriter(ModelFolder(url))
///     for text in try writer(["Once upon a time"]) { print(text.text) }
public struct TextWriter: Sendable {
  /// How it writes unless a call says otherwise.
  public let settings: GenerationSettings
  private let tokenizer: TokenizerPipeline
  private let network: any Writing

  /// Reads the network and its tokenizer.
  /// - Parameter draft: a smaller network of the same tokens, which proposes some of them.
  public init(_ folder: ModelFolder, draft: ModelFolder? = nil) throws(PublishedError) {
    settings = try GenerationSettings(of: folder)
    tokenizer = try folder.tokenizer()
    network = Self.writing(try Self.generator(folder), try draft.map(Self.generator))
  }

  private static func generator(_ folder: ModelFolder) throws(PublishedError)
    -> any PublishedGenerator
  {
    if let network = try folder.model() as? any PublishedGenerator, network.canWrite {
      return network
    }
    throw .configuration(
      file: folder.configuration.file,
      problem: "\(folder.architecture.card.name) writes no texts",
      mend: "choose a language model; `apus models` lists them")
  }

  private static func writing<M: PublishedGenerator>(
    _ network: M, _ draft: (any PublishedGenerator)?
  ) -> any Writing {
    func helped<D: PublishedGenerator>(_ draft: D) -> any Writing {
      HelpedWriting(own: PlainWriting(network), draft: PlainWriting(draft))
    }
    return draft.map { helped($0) } ?? PlainWriting(network)
  }

  /// Writes `numReturnSequences` texts for each prompt, those of beams with the best first.
  /// - Parameters:
  ///   - key: the same key gives the same texts.
  ///   - onPiece: takes the pieces of each text, by its number, as they are written; those of beams at the end.
  /// - Throws: where a setting or a prompt means nothing to the network.
  public func callAsFunction(
    _ prompts: [String], _ settings: GenerationSettings? = nil,
    key: RandomKey = RandomKey(seed: 0),
    onPiece: (_ text: Int, _ piece: String) -> Void = { _, _ in }
  ) throws(PublishedError) -> [WrittenText] {
    let request = WritingRequest(
      prompts: prompts.map { tokenizer.encode($0) }, settings: settings ?? self.settings, key: key,
      tokenizer: tokenizer)
    return try network.write(request, onPiece)
  }

  /// The tokens of a text, for settings that name some.
  public func tokens(of text: String) -> [Int] { tokenizer.encode(text) }
}

private struct WritingRequest {
  let prompts: [[Int]]
  let settings: GenerationSettings
  let key: RandomKey
  let tokenizer: TokenizerPipeline

  /// The text of tokens, and whether a stop string ends it.
  func text(_ tokens: some Sequence<Int>) -> (text: String, isStopped: Bool) {
    let ends = settings.eosTokenId
    var text = TextBeforeStop(settings.stopStrings)
    let beginning = text.append(
      tokenizer.decode(tokens.filter { !ends.contains($0) }, skippingSpecialTokens: true))
    return (beginning + text.finish(), text.isStopped)
  }
}

private protocol Writing: Sendable {
  func write(_ request: WritingRequest, _ onPiece: (Int, String) -> Void) throws(PublishedError)
    -> [WrittenText]
}

/// A network on its own. It is kept with the programs that were made for it.
private struct PlainWriting<M: PublishedGenerator>: Writing {
  let network: M
  let generator: TokenGenerator<M.Generator>

  init(_ network: M) {
    self.network = network
    generator = TokenGenerator(network.generator)
  }

  /// What the encoder reads, and what the decoder begins with.
  func beginnings(_ request: WritingRequest) throws(PublishedError)
    -> (source: M.Generator.Source, prompts: [[Int]])
  {
    guard M.hasEncoder else {
      return (try network.source(of: ModelInputs([:])), request.prompts)
    }
    let start = try request.settings.startPrompt("generation_config.json")
    return (
      try network.source(of: ModelInputs(texts: request.prompts, request.settings.padTokenId ?? 0)),
      request.prompts.map { _ in start }
    )
  }

  func write(_ request: WritingRequest, _ onPiece: (Int, String) -> Void) throws(PublishedError)
    -> [WrittenText]
  {
    let (source, prompts) = try beginnings(request)
    do throws(GenerationError) {
      return request.settings.numBeams > 1
        ? try search(request, source, prompts, onPiece)
        : try stream(request, source, prompts, onPiece)
    } catch {
      throw .generation(error)
    }
  }

  private func search(
    _ request: WritingRequest, _ source: M.Generator.Source, _ prompts: [[Int]],
    _ onPiece: (Int, String) -> Void
  ) throws(GenerationError) -> [WrittenText] {
    var stops: (@Sendable (TokenHistory) -> Bool)?
    if !request.settings.stopStrings.isEmpty {
      stops = { request.text($0.continuation).isStopped }
    }
    let found = try generator(
      prompts, of: source, sourceTokens: request.prompts, request.settings, key: request.key,
      stops: stops)
    return found.enumerated().map { i, found in
      let (text, _) = request.text(found.tokens)
      onPiece(i, text)
      return WrittenText(
        prompt: found.prompt, text: text, tokenCount: found.tokens.count, score: found.score)
    }
  }

  private func stream(
    _ request: WritingRequest, _ source: M.Generator.Source, _ prompts: [[Int]],
    _ onPiece: (Int, String) -> Void
  ) throws(GenerationError) -> [WrittenText] {
    var stream = try generator.stream(
      prompts, of: source, sourceTokens: request.prompts, request.settings, key: request.key)
    var texts = stream.texts.map { _ in PiecewiseText(request) }
    while let tokens = stream.next() {
      for (i, token) in tokens.enumerated() {
        guard let token else { continue }
        texts[i].append(token) { onPiece(i, $0) }
        if texts[i].isStopped { stream.end(i) }
      }
    }
    return texts.indices.map { i in
      texts[i].finish { onPiece(i, $0) }
      return texts[i].written(prompt: stream.texts[i].prompt)
    }
  }
}

/// A network with the help of another.
private struct HelpedWriting<M: PublishedGenerator, D: PublishedGenerator>: Writing {
  let own: PlainWriting<M>
  let draft: PlainWriting<D>

  func write(_ request: WritingRequest, _ onPiece: (Int, String) -> Void) throws(PublishedError)
    -> [WrittenText]
  {
    let (source, prompts) = try own.beginnings(request)
    let (draftSource, _) = try draft.beginnings(request)
    do throws(GenerationError) {
      guard prompts.count == 1 else {
        throw .prompt(index: 1, problem: "is one too many: a draft model helps with one text")
      }
      var stream = try own.generator.stream(
        prompts[0], of: source, draft: draft.generator, draftSource,
        sourceTokens: request.prompts[0], request.settings, key: request.key)
      var text = PiecewiseText(request)
      while let tokens = stream.next() {
        for token in tokens where !text.isStopped { text.append(token) { onPiece(0, $0) } }
        if text.isStopped { stream.end() }
      }
      text.finish { onPiece(0, $0) }
      return [text.written(prompt: 0)]
    } catch {
      throw .generation(error)
    }
  }
}

/// A text that grows by tokens.
private struct PiecewiseText {
  private var stream: DecodingStream
  private var beforeStop: TextBeforeStop
  private let ends: [Int]
  private var text = ""
  private var tokenCount = 0

  var isStopped: Bool { beforeStop.isStopped }

  init(_ request: WritingRequest) {
    stream = DecodingStream(request.tokenizer)
    beforeStop = TextBeforeStop(request.settings.stopStrings)
    ends = request.settings.eosTokenId
  }

  mutating func append(_ token: Int, _ onPiece: (String) -> Void) {
    tokenCount += 1
    guard !ends.contains(token), let piece = stream.next(token) else { return }
    add(beforeStop.append(piece), onPiece)
  }

  mutating func finish(_ onPiece: (String) -> Void) {
    add(beforeStop.append(stream.finish()) + beforeStop.finish(), onPiece)
  }

  private mutating func add(_ piece: String, _ onPiece: (String) -> Void) {
    guard !piece.isEmpty else { return }
    text += piece
    onPiece(piece)
  }

  func written(prompt: Int) -> WrittenText {
    WrittenText(prompt: prompt, text: text, tokenCount: tokenCount, score: nil)
  }
}

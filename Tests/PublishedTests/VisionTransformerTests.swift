import Layers
import Models
import Published
import Tensors
import TestSupport
import Testing

@Suite struct VisionTransformerTests {
  /// A network by the text of its `config.json`.
  static func model(_ text: String) throws -> any PublishedModel {
    try PublishedClassifierTests.model(text)
  }

  @Test(arguments: [
    ("vit_b_16", 86_567_656), ("vit_b_32", 88_224_232), ("vit_l_16", 304_326_632),
    ("vit_l_32", 306_535_400), ("vit_h_14", 632_045_800), ("vit_tiny_patch16_224", 5_717_416),
    ("vit_small_patch16_224", 22_050_664), ("vit_small_patch32_224", 22_878_952),
    ("vit_base_patch16_384", 86_859_496), ("google/vit-base-patch16-224-in21k", 86_389_248),
    ("deit_tiny_distilled_patch16_224", 5_910_800),
    ("deit_small_distilled_patch16_224", 22_436_432),
    ("deit_base_distilled_patch16_224", 87_338_192),
    ("deit_base_distilled_patch16_384", 87_630_032), ("swin_t", 28_288_354),
    ("swin_s", 49_606_258), ("swin_b", 87_768_224), ("swin_base_patch4_window12_384", 87_903_584),
    ("swin_large_patch4_window7_224", 196_532_476),
    ("swin_large_patch4_window12_384", 196_735_516), ("cait_xxs24_224", 11_956_264),
    ("cait_xxs36_224", 17_299_720), ("cait_xs24_384", 26_670_088), ("cait_s24_224", 46_916_200),
    ("cait_s24_384", 47_062_120), ("cait_s36_384", 68_366_632), ("cait_m36_384", 271_221_352),
    ("cait_m48_448", 356_460_520), ("t2t_vit_7", 4_255_694), ("t2t_vit_10", 5_834_702),
    ("t2t_vit_12", 6_887_374), ("t2t_vit_14", 21_465_806), ("t2t_vit_19", 39_085_070),
    ("t2t_vit_24", 64_000_974), ("t2t_vit_t_7", 4_255_310), ("t2t_vit_t_10", 5_834_318),
    ("t2t_vit_t_12", 6_886_990), ("t2t_vit_t_14", 21_465_422),
    ("t2t_vit_t_19", 39_084_686), ("t2t_vit_t_24", 64_000_590),
    ("openai/clip-vit-base-patch32", 151_277_313), ("openai/clip-vit-base-patch16", 149_620_737),
    ("openai/clip-vit-large-patch14", 427_616_513),
    ("openai/clip-vit-large-patch14-336", 427_944_193), ("kakaobrain/align-base", 172_117_841),
    ("florence2", 497_761_280), ("unicl_swin_tiny", 91_340_667), ("unicl_swin_base", 150_695_609),
    ("dall-e encoder", 53_786_240), ("dall-e decoder", 43_829_766),
    ("deit_tiny_patch16_224", 5_717_416), ("deit_small_patch16_224", 22_050_664),
    ("deit_base_patch16_224", 86_567_656), ("deit_base_patch16_384", 86_859_496),
  ])
  func `Published sizes have the published numbers of parameters`(_ name: String, _ count: Int)
    throws
  {
    let sizes = Architectures.all.flatMap { $0.card.sizes }
    let size = try #require(sizes.first { $0.name == name })
    #expect(try Self.model(size.configuration).parameterCount == count)
  }

  @Test(arguments: [
    #"{"architectures": ["ViTModel"], "hidden_size": 30, "num_attention_heads": 4}"#,
    #"{"architectures": ["ViTModel"], "image_size": 8}"#,
    #"{"architectures": ["ViTModel"], "hidden_act": "sqrtsoftplus"}"#,
    #"{"library": "torchvision", "architecture": "vit_b_16", "arguments": {"image_size": 100}}"#,
    #"{"library": "timm", "architecture": "vit_tiny_patch16_224", "arguments": {"qk_norm": true}}"#,
    #"{"library": "timm", "architecture": "vit_tiny_patch16_224", "arguments": {"class_token": false}}"#,
    #"{"library": "timm", "architecture": "deit_tiny_distilled_patch16_224", "arguments": {"global_pool": "avg"}}"#,
    #"{"architectures": ["SwinModel"], "num_heads": [3, 6, 12]}"#,
    #"{"architectures": ["SwinModel"], "window_size": 0}"#,
    #"{"library": "timm", "architecture": "swin_s3_tiny_224", "arguments": {"window_size": [7, 7, 7]}}"#,
    #"{"library": "timm", "architecture": "cait_s24_224", "arguments": {"num_heads": 7}}"#,
    #"{"library": "t2t-vit", "architecture": "t2t_vit_7", "arguments": {"image": 60}}"#,
    #"{"architectures": ["ViTMAEModel"], "mask_ratio": 1.5}"#,
    #"{"architectures": ["CLIPModel"], "text_config": {"num_attention_heads": 7}}"#,
    #"{"architectures": ["AlignModel"], "projection_dim": 641}"#,
    #"{"architectures": ["Florence2ForConditionalGeneration"], "vision_config": {"num_groups": [3]}}"#,
    #"{"library": "unicl", "architecture": "UniCLModel", "arguments": {"IMAGE_ENCODER": {"IMG_SIZE": 200}}}"#,
    #"{"library": "unicl", "architecture": "UniCLModel", "arguments": {"IMAGE_ENCODER": {"TYPE": "focal"}}}"#,
    #"{"library": "dall_e", "architecture": "Encoder", "arguments": {"n_hid": 6}}"#,
    #"{"library": "dall_e", "architecture": "Decoder", "arguments": {"group_count": 3}}"#,
    #"{"library": "dalle-pytorch", "architecture": "DALLE", "arguments": {"dim": 8, "depth": 1}}"#,
    #"{"library": "dalle-pytorch", "architecture": "DALLE", "arguments": {"dim": 8, "depth": 1, "rotary_emb": false, "shift_tokens": false, "attn_types": ["mlp"]}}"#,
  ])
  func `Illegal configurations are refused`(_ text: String) {
    #expect(throws: PublishedError.self) { try Self.model(text) }
  }

  @Test func `All tensors are named`() {
    let key = RandomKey(seed: 2)
    var sizes = ViTConfiguration(image: [8, 8], patch: [4, 4], width: 8, layers: 1, heads: 2)
    sizes.hasDistillationToken = true
    sizes.registers = 1
    sizes.layerScale = 0.1
    sizes.normalisesFirst = true
    sizes.representation = .init(width: 4)
    #expect(forgottenTensors(in: ViT(sizes, key: key)) == [])
    var swin = SwinConfiguration(width: 8, layers: [1, 1], heads: [2, 2])
    swin.grid = [2, 2]
    #expect(forgottenTensors(in: Swin(swin, key: key)) == [])
    let cait = CaiTConfiguration(image: 32, width: 8, layers: 1, heads: 2)
    #expect(forgottenTensors(in: CaiT(cait, key: key)) == [])
    let mae = MAEConfiguration(
      encoder: .init(width: 8, layers: 1, heads: 2), decoder: .init(width: 8, layers: 1, heads: 2))
    #expect(forgottenTensors(in: MAE(mae, key: key)) == [])
    for kind in [T2TViTConfiguration.Kind.performer, .transformer] {
      let t2t = T2TViTConfiguration(kind: kind, width: 8, layers: 1, heads: 2, inner: 8)
      #expect(forgottenTensors(in: T2TViT(t2t, key: key)) == [])
    }
    let text = CLIPTextConfiguration(
      vocabulary: 9, context: 5, width: 8, layers: 1, heads: 2, inner: 8)
    let clip = CLIPConfiguration(vision: .init(width: 8, layers: 1, heads: 2), text: text, width: 4)
    #expect(forgottenTensors(in: CLIP(clip, key: key)) == [])
  }

  /// Rows of patches that move together with their positions make no difference.
  @Test func `Patches are a set`() {
    let model = ViT(
      .init(image: [8, 8], patch: [4, 4], width: 8, layers: 2, heads: 2), key: RandomKey(seed: 3))
    let x = RandomKey(seed: 4).normal([2, 8, 8, 3])
    var other = model
    other.positions = model.positions!.gathered(1, Tensor([0, 3, 4, 1, 2] as [Int32]))
    let moved = concatenate([x.sliced(1, 4..<8), x.sliced(1, 0..<4)], axis: 1)
    #expect(distance(model(x), other(moved)) < 1e-5)
  }

  /// A shifted window sees neither over the border nor places that were far away.
  @Test func `Windows keep what lies apart from each other`() {
    let partition = WindowPartition(size: [8, 8], window: [4, 4], shift: [2, 2])
    let map = RandomKey(seed: 5).normal([1, 8, 8, 3])
    #expect(distance(partition.map(of: partition.windows(of: map)), map) == 0)
    let sizes = SwinConfiguration(width: 8, layers: [2], heads: [2], window: [4, 4])
    let block = Swin(sizes, key: RandomKey(seed: 6)).stages[0].blocks[1]
    let x = RandomKey(seed: 7).normal([1, 8, 8, 8])
    let above = block(x, .inference).sliced(1, 0..<2)
    let slope = gradients(of: [above], seeds: [above.onesLike()], by: [x])[0]!
    #expect(slope.sliced(1, 2..<8).abs().max().scalar < 1e-20)
    #expect(slope.sliced(1, 0..<2).abs().max().scalar > 1e-3)
  }

  /// The encoder sees what is kept and nothing else, and only what is masked is learned.
  @Test func `Masked patches are hidden from the encoder, and visible ones from the loss`() {
    let sizes = ViTConfiguration(image: [8, 8], patch: [2, 2], width: 8, layers: 2, heads: 2)
    let model = MAE(.init(encoder: sizes, decoder: sizes), key: RandomKey(seed: 8))
    let x = RandomKey(seed: 9).normal([1, 8, 8, 3])
    let pass = model(x, noise: .range(16, .float32).expanded(0), .inference)
    let tokens = gradients(of: [pass.tokens], seeds: [pass.tokens.onesLike()], by: [x])[0]!
    // The first four patches, which are the first row of patches, are seen.
    #expect(
      pass.mask.doubles() == [Double](repeating: 0, count: 4) + .init(repeating: 1, count: 12))
    #expect(tokens.sliced(1, 2..<8).abs().max().scalar == 0)
    let other = concatenate([x.sliced(1, 0..<2) + 1, x.sliced(1, 2..<8)], axis: 1)
    #expect(distance(model.loss(pass, other), model.loss(pass, x)) == 0)
  }

  @Test func `Masked autoencoders have the published numbers of parameters`() throws {
    let counts = try PublishedMAE.card.sizes.map {
      try Self.model($0.configuration).leaves.map(\.tensor.count).reduce(0, +)
    }
    // 252,160 of the first are fixed positions.
    #expect(counts == [111_907_840, 329_541_888, 657_074_508])
  }

  @Test func `No token of a text sees those behind it`() {
    let sizes = CLIPTextConfiguration(
      vocabulary: 9, context: 6, width: 8, layers: 2, heads: 2, inner: 8)
    let model = CLIPText(sizes, key: RandomKey(seed: 10))
    let ids = Tensor([1, 5, 3, 8, 2, 2] as [Int32], shape: [1, 6])
    let states = model.states(ids)
    let other = model.states(Tensor([1, 5, 3, 8, 4, 7] as [Int32], shape: [1, 6]))
    #expect(distance(other.sliced(1, 0..<4), states.sliced(1, 0..<4)) == 0)
    // The highest number stands at place 3.
    #expect(distance(model.pooled(states, ids), states.element(1, 3)) == 0)
  }

  @Test func `Windows that overlap hold every pixel as often as they cover it`() {
    let x = RandomKey(seed: 11).normal([1, 6, 6, 2])
    let windows = unfolded(x, size: 3, stride: 1, padding: 1)
    let slope = gradients(of: [windows], seeds: [windows.onesLike()], by: [x])[0]!
    #expect(windows.shape == [1, 6, 6, 18])
    // The middle of a window is its own pixel, channels before places.
    let middle = windows.reshaped([1, 6, 6, 2, 9]).element(4, 4)
    #expect(distance(middle, x) == 0)
    #expect(slope.element(3, 0).element(1, 0).doubles() == [4, 6, 6, 6, 6, 4])
  }
}

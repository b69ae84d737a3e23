import Published
import Testing

@Suite struct ArithmeticTests {
  /// Billions of multiply-adds of a picture, as torchvision publishes them with its weights.
  @Test(arguments: [
    ("alexnet", 0.71), ("googlenet", 1.50), ("inception_v3", 5.71), ("resnet18", 1.81),
    ("resnet50", 4.09), ("resnext50_32x4d", 4.23), ("densenet121", 2.83),
    ("efficientnet_b0", 0.39), ("efficientnet_b4", 4.39), ("efficientnet_v2_s", 8.37),
    ("vit_b_16", 17.56), ("vit_l_32", 15.38), ("swin_t", 4.49),
  ])
  func `The arithmetic of a picture is what torchvision publishes`(_ name: String, _ count: Double)
    throws
  {
    let arithmetic = try #require(try arithmetic(name))
    #expect(arithmetic.unit == .picture)
    #expect(abs(Double(arithmetic.multiplyAdds) / 1e9 - count) < 0.0101, "\(arithmetic)")
  }

  /// By hand: every weight of a product once, and twice the width for each of 128 places in every layer.
  @Test func `The arithmetic of GPT-2's token is counted by hand`() throws {
    let (width, layers, vocabulary) = (768, 12, 50257)
    let byHand = layers * (12 * width * width + 2 * 128 * width) + vocabulary * width
    let arithmetic = try #require(try arithmetic("gpt2"))
    #expect(arithmetic.unit == .token)
    #expect(arithmetic.multiplyAdds == byHand)
  }

  @Test func `A network of pictures and texts has no count of one item`() throws {
    #expect(try arithmetic("openai/clip-vit-base-patch32") == nil)
  }

  private func arithmetic(_ name: String) throws -> Arithmetic? {
    for type in Architectures.all {
      if let size = type.card.sizes.first(where: { $0.name == name }) {
        return try type.arithmetic(of: size)
      }
    }
    throw PublishedError.unknownArchitecture(name: name, file: "the list")
  }
}

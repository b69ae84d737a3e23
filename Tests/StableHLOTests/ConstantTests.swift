import StableHLO
import Testing

@Suite struct ConstantTests {
  static let exactBits: [(Double, ElementType, String)] = [
    (1.0, ElementType.f32, "0x3F800000"), (-0.0, .f32, "0x80000000"),
    (0.1, .f32, "0x3DCCCCCD"), (.infinity, .f32, "0x7F800000"),
    (0.1, .f64, "0x3FB999999999999A"), (1.0, .bf16, "0x3F80"), (1.0, .f16, "0x3C00"),
    (65504, .f16, "0x7BFF"), (65519.99, .f16, "0x7BFF"), (65520, .f16, "0x7C00"),
    (-1e300, .f16, "0xFC00"), (0x1p-24, .f16, "0x0001"), (0x1p-25, .f16, "0x0000"),
    (0x1.8p-24, .f16, "0x0002"), (0x1.ff8p-15, .f16, "0x03FF"), (0x1.fffp-15, .f16, "0x0400"),
    (1 + 0x1p-11, .f16, "0x3C00"), (1 + 0x1.8p-10, .f16, "0x3C02"),
    (1 + 0x1.0001p-8, .bf16, "0x3F81"), (.leastNonzeroMagnitude, .bf16, "0x0000"),
    (.nan, .bf16, "0x7FC0"),
    (-.infinity, .bf16, "0xFF80"),
  ]

  @Test(
    "A scalar constant is written as the exact bits of its type",
    arguments: exactBits)
  func exact(value: Double, element: ElementType, bits: String) {
    let text = lines([]) { f, _ in _ = f.constant(value, ValueType([2, 3], element)) }
    #expect(
      text == ["%v0 = stablehlo.constant dense<\(bits)> : tensor<2x3x\(element.rawValue)>"])
  }

  @Test("Integers and truth values are written in words")
  func whole() {
    let text = lines([]) { f, _ in
      _ = f.constant(-3, .scalar(.i32))
      _ = f.constant(7.0, .scalar(.ui8))
      _ = f.constant(1, ValueType([2], .i1))
      _ = f.constant(bits: 0, .scalar(.i1))
      _ = f.constant(bits: .max, .scalar(.ui64))
      _ = f.constant(bits: 0xFFFF_FFFF, .scalar(.i32))
      _ = f.constant(2, .scalar(.f32))
    }
    #expect(
      text == [
        "%v0 = stablehlo.constant dense<-3> : tensor<i32>",
        "%v1 = stablehlo.constant dense<7> : tensor<ui8>",
        "%v2 = stablehlo.constant dense<true> : tensor<2xi1>",
        "%v3 = stablehlo.constant dense<false> : tensor<i1>",
        "%v4 = stablehlo.constant dense<18446744073709551615> : tensor<ui64>",
        "%v5 = stablehlo.constant dense<-1> : tensor<i32>",
        "%v6 = stablehlo.constant dense<0x40000000> : tensor<f32>",
      ])
  }

  @Test("Many elements are written as the bytes they are")
  func raw() {
    let text = lines([]) { f, _ in
      _ = f.constant(bytes: [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40], f32(2))
      _ = f.constant(bytes: [], f32(0, 3))
      _ = f.constant(bytes: [1, 0, 0, 1, 1, 0], ValueType([2, 3], .i1))
      _ = f.constant(bytes: [1], .scalar(.i1))
    }
    #expect(
      text == [
        "%v0 = stablehlo.constant dense<\"0x0000803F00000040\"> : tensor<2xf32>",
        "%v1 = stablehlo.constant dense<> : tensor<0x3xf32>",
        "%v2 = stablehlo.constant dense<[[true, false, false], [true, true, false]]> : "
          + "tensor<2x3xi1>",
        "%v3 = stablehlo.constant dense<true> : tensor<i1>",
      ])
  }
}

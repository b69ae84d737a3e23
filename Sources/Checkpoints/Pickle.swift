/// The values of a pickle, all in one list: whatever refers to another value does so by its place,
/// so that neither depth nor cycles nor sharing matter to whoever frees them.
struct Pickle {
  typealias Reference = Int32

  enum Value {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer over 64 bits, in decimal.
    case longInteger(String)
    case number(Double)
    case text(String)
    /// Bytes, which nobody needs.
    case bytes
    case tuple([Reference])
    /// A `torch.Size`.
    case size([Reference])
    case list([Reference])
    /// Keys and values in turn.
    case dictionary([Reference])
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
    /// An object of a class that holds only data, with the state that was set on it.
    case record(Reference?)
  }

  /// The data behind tensors, as the pickle describes them.
  struct Storage {
    let key: String
    /// Nil where the storage is of bytes.
    let type: ElementType?
    let byteCount: Int
  }

  struct Tensor {
    let storage: Int
    let layout: StridedLayout
  }

  var values: [Value] = []
  var storages: [Storage] = []
  var tensors: [Tensor] = []

  subscript(reference: Reference) -> Value {
    get { values[Int(reference)] }
    set { values[Int(reference)] = newValue }
  }

  mutating func add(_ value: Value) -> Reference {
    values.append(value)
    return Reference(values.count - 1)
  }

  func integers(_ reference: Reference) -> [Int]? {
    guard let items = items(reference) else { return nil }
    let numbers = items.compactMap { if case .integer(let value) = self[$0] { value } else { nil } }
    return numbers.count == items.count ? numbers : nil
  }

  /// How many references a value holds.
  func memberCount(_ reference: Reference) -> Int {
    if case .dictionary(let members) = self[reference] { return members.count }
    return items(reference)?.count ?? 0
  }

  /// The members of a tuple or list.
  func items(_ reference: Reference) -> [Reference]? {
    switch self[reference] {
    case .tuple(let items), .list(let items), .size(let items): items
    default: nil
    }
  }
}

/// What a pickle may ask for by name. Nothing here runs anything of the file's choosing: a name
/// that is not listed is refused before it could be called.
enum PickleGlobal: Equatable {
  /// `OrderedDict` and its kin: an empty dictionary, or that of the pairs given.
  case dictionary
  /// Sets and queues: a list.
  case list
  case size
  /// A device: its name.
  case device
  case storage(ElementType?)
  case elementType(ElementType)
  case rebuildTensor
  /// The same with an element type of its own.
  case rebuildTypedTensor
  /// The first argument is what it is about.
  case rebuildParameter
  /// Calls its first argument with its third.
  case rebuildFromType
  /// A word that is only passed along, such as `torch.strided`.
  case word(String)
  /// A class whose objects are data and need not be understood.
  case record

  enum Fault: Error {
    case unsafe
    case unsupported(String)
  }

  /// - Throws: `Fault` where the name is not on the list.
  init(module: String, name: String) throws(Fault) {
    // Python 2 knew its own by another name.
    let module = module == "__builtin__" ? "builtins" : module
    if module == "torch.cuda" || module == "torch" || module == "torch.storage",
      let storage = Self.storage(name)
    {
      self = storage
      return
    }
    let qualified = "\(module).\(name)"
    if let known = Self.known[qualified] {
      self = known
    } else if let kind = Self.unsupported[qualified] {
      throw .unsupported(kind)
    } else if module == "torch", let type = Self.elementTypes[name] {
      self = .elementType(type)
    } else if module == "numpy.dtypes", name.hasSuffix("DType") {
      self = .record
    } else {
      throw .unsafe
    }
  }

  private static func storage(_ name: String) -> PickleGlobal? {
    guard name.hasSuffix("Storage") else { return nil }
    if name == "UntypedStorage" || name == "_UntypedStorage" { return .storage(nil) }
    let types: [String: ElementType] = [
      "Double": .f64, "Float": .f32, "Half": .f16, "BFloat16": .bf16, "Long": .i64, "Int": .i32,
      "Short": .i16, "Char": .i8, "Byte": .u8, "Bool": .bool, "ComplexFloat": .c64,
      "ComplexDouble": .c128,
    ]
    return types[String(name.dropLast(7))].map { .storage($0) }
  }

  static let elementTypes: [String: ElementType] = [
    "float64": .f64, "double": .f64, "float32": .f32, "float": .f32, "float16": .f16, "half": .f16,
    "bfloat16": .bf16, "int64": .i64, "long": .i64, "int32": .i32, "int": .i32, "int16": .i16,
    "short": .i16, "int8": .i8, "uint8": .u8, "uint16": .u16, "uint32": .u32, "uint64": .u64,
    "bool": .bool, "complex64": .c64, "cfloat": .c64, "complex128": .c128, "cdouble": .c128,
    "float8_e4m3fn": .f8E4M3, "float8_e5m2": .f8E5M2, "float8_e4m3fnuz": .f8E4M3FNUZ,
    "float8_e5m2fnuz": .f8E5M2FNUZ, "float8_e8m0fnu": .f8E8M0,
  ]

  /// PyTorch's name of a type: of its several names, such as half, the longest.
  static func systematicName(_ type: ElementType) -> String? {
    elementTypes.filter { $0.value == type }.map(\.key)
      .max { ($0.utf8.count, $1) < ($1.utf8.count, $0) }
  }

  private static let known: [String: PickleGlobal] = {
    var known: [String: PickleGlobal] = [
      "collections.OrderedDict": .dictionary, "collections.defaultdict": .dictionary,
      "collections.Counter": .dictionary, "builtins.dict": .dictionary,
      "collections.deque": .list, "builtins.set": .list, "builtins.frozenset": .list,
      "builtins.list": .list, "torch.Size": .size, "torch.device": .device,
      "torch._utils._rebuild_tensor": .rebuildTensor,
      "torch._utils._rebuild_tensor_v2": .rebuildTensor,
      "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
      "torch._utils._rebuild_parameter": .rebuildParameter,
      "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
      "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
    ]
    for word in [
      "torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter",
      "torch.nn.parameter.Buffer", "torch.nn.Parameter", "torch.strided",
      "torch.contiguous_format", "torch.preserve_format", "torch.channels_last",
    ] {
      known[word] = .word(word)
    }
    for name in [
      "argparse.Namespace", "types.SimpleNamespace", "_codecs.encode", "builtins.int",
      "builtins.float", "builtins.str", "builtins.bool", "builtins.tuple", "builtins.complex",
      "builtins.bytearray", "builtins.slice", "numpy.dtype", "numpy.ndarray", "pathlib.Path",
      "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath", "datetime.datetime",
      "datetime.timedelta", "fractions.Fraction", "decimal.Decimal", "uuid.UUID",
    ]
      + ["numpy.core", "numpy._core"].flatMap({ core in
        ["scalar", "_reconstruct"].map { "\(core).multiarray.\($0)" }
      })
    {
      known[name] = .record
    }
    return known
  }()

  private static let unsupported: [String: String] = [
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor",
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without data",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of another class",
    "torch._utils._rebuild_device_tensor_from_numpy": "a tensor of another device",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "a tensor of another device",
    "torch.sparse_coo": "a sparse tensor", "torch.sparse_csr": "a sparse tensor",
    "torch.serialization._get_layout": "a sparse tensor",
    "torch.per_tensor_affine": "a quantized tensor",
    "torch.per_channel_affine": "a quantized tensor",
    "torch.QInt8Storage": "a quantized tensor", "torch.QUInt8Storage": "a quantized tensor",
    "torch.QInt32Storage": "a quantized tensor",
  ]
}

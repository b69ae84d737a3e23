internal import CImages

/// The libraries of the system that this module uses.
public enum LinkedLibraries {
  /// Names with versions, as the libraries tell them; empty where one does not.
  public static var versions: [(name: String, version: String)] {
    var libraries = [apus_library_version](
      repeating: apus_library_version(), count: Int(APUS_IMAGE_LIBRARIES))
    unsafe libraries.withUnsafeMutableBufferPointer {
      unsafe apus_image_library_versions($0.baseAddress)
    }
    return libraries.map { library in
      (text(library.name), text(library.version))
    }
  }

  /// A text of C in an array that Swift sees as a tuple.
  private static func text<Characters>(_ characters: Characters) -> String {
    unsafe withUnsafeBytes(of: characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

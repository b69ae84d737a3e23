internal import Foundation
internal import Images

/// Pictures of the user's: every PNG, JPEG and WebP file under a folder.
public enum ImageFolder {
  /// Reads all pictures, crops each to a square in its middle and resizes it (bicubic,
  /// antialiased). Every folder directly inside is a class, named as it is, in the order of the
  /// names; without such folders there is one class, named as the folder.
  /// - Parameters:
  ///   - size: pixels of an edge of the result.
  ///   - channels: 1 (gray) or 3 (transparent pictures on white).
  /// - Throws: `DatasetError` for a folder without pictures, and for the first damaged file.
  public static func pictures(
    in folder: String, size: Int, channels: Int = 3
  ) throws(DatasetError) -> LabeledPictures {
    guard (1...4096).contains(size), channels == 1 || channels == 3 else {
      throw .argument(
        reason: "pictures are resized to 1 to 4096 pixels an edge and 1 or 3 channels, "
          + "not \(size) and \(channels)")
    }
    let paths = try files(under: folder) { path in
      [".png", ".jpg", ".jpeg", ".webp"].contains { path.lowercased().hasSuffix($0) }
    }
    if paths.isEmpty {
      throw .file(path: folder, reason: "no PNG, JPEG or WebP file under this folder")
    }
    // What lies directly in the folder beside subfolders is a class of the folder's own name.
    let own = URL(fileURLWithPath: folder).lastPathComponent
    let classes = paths.map { path in
      let inside = path.dropFirst(folder.count + 1)
      return inside.firstIndex(of: "/").map { String(inside[..<$0]) } ?? own
    }
    let names = Set(classes).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    var pixels: [UInt8] = []
    pixels.reserveCapacity(paths.count * size * size * channels)
    for path in paths {
      do {
        let image = try Image(contentsOf: path).compositedOnWhite()
        let square = squared(channels == 1 ? image.gray() : image.rgb())
        pixels += square.resized(width: size, height: size, filter: .bicubic).pixels
      } catch {
        throw .damaged(path: path, reason: error.explanation)
      }
    }
    return LabeledPictures(
      width: size, height: size, channels: channels, pixels: pixels,
      labels: classes.map { indices[$0, default: 0] }, classNames: names)
  }

  private static func squared(_ image: Image) -> Image {
    let edge = min(image.width, image.height)
    return image.cropped(
      x: (image.width - edge) / 2, y: (image.height - edge) / 2, width: edge, height: edge)
  }
}

/// Brings text into a normal form of Unicode (UAX #15) and keeps what characters stand for.
struct NormalFormWriter {
  /// A character and how it changes the text, as `TextBuilder` takes it.
  private struct Entry {
    var value: UInt32
    var change: Int
    let combiningClass: UInt8
  }

  private let form: NormalForm
  private var builder: TextBuilder
  /// Marks that wait for their order; no starter but the first.
  private var pending: [Entry] = []
  private var starter: Entry?
  /// The combining class of the last mark that did not compose with the starter.
  private var lastClass: UInt8?
  private var marks: [Entry] = []

  private init(_ form: NormalForm, _ text: AlignedText) {
    self.form = form
    builder = TextBuilder(text)
  }

  static func normalize(_ text: AlignedText, to form: NormalForm) -> AlignedText {
    // Nothing below U+0300 composes; nothing below U+0080 decomposes.
    let limit: UInt8 = form == .nfc ? 0xCC : 0x80
    if text.bytes.allSatisfy({ $0 < limit }) { return text }
    var writer = NormalFormWriter(form, text)
    let table = Decompositions.shared
    var place = 0
    while place < text.bytes.count {
      let character = UTF8Text.character(at: place, in: text.bytes)
      place += character.length
      var change = 0
      table.decompose(character.value, isCompatible: form.isCompatible) { part in
        writer.add(part, change)
        change = 1
      }
    }
    writer.flushPending()
    writer.flushStarter()
    return writer.builder.finish()
  }

  private mutating func add(_ value: UInt32, _ change: Int) {
    let entry = Entry(
      value: value, change: change, combiningClass: Decompositions.combiningClass(value))
    if entry.combiningClass == 0 { flushPending() }
    pending.append(entry)
  }

  /// Hands on what waits, marks in the order of their classes.
  private mutating func flushPending() {
    if pending.count > 2 || pending.first?.combiningClass != 0, pending.count > 1 {
      let first = pending[0].combiningClass == 0 ? 1 : 0
      // Few marks in order are the rule; `sort` is stable.
      pending[first...].sort { $0.combiningClass < $1.combiningClass }
    }
    for entry in pending {
      if form.composes { compose(entry) } else { builder.append(entry.value, change: entry.change) }
    }
    pending.removeAll(keepingCapacity: true)
  }

  private mutating func compose(_ entry: Entry) {
    guard var first = starter else {
      if entry.combiningClass == 0 {
        starter = entry
      } else {
        builder.append(entry.value, change: entry.change)
      }
      return
    }
    let isBlocked = lastClass.map { $0 >= entry.combiningClass } ?? false
    if !isBlocked,
      let composite = Decompositions.shared.composite(first.value, entry.value)
    {
      first.value = composite
      first.change += entry.change - 1
      starter = first
    } else if entry.combiningClass == 0 {
      flushStarter()
      starter = entry
    } else {
      marks.append(entry)
      lastClass = entry.combiningClass
    }
  }

  private mutating func flushStarter() {
    if let starter { builder.append(starter.value, change: starter.change) }
    for mark in marks { builder.append(mark.value, change: mark.change) }
    marks.removeAll(keepingCapacity: true)
    starter = nil
    lastClass = nil
  }
}

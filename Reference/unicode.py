"""Makes Sources/CEmbedded/data/unicode: what Unicode says of decompositions and scripts.

    python3 Reference/unicode.py Sources/CEmbedded/data/unicode

decompositions.txt has one fact a line, all numbers hexadecimal:
    C0=41 300    the full canonical decomposition
    A0~20        the full compatibility decomposition, where it is another one
    C0+41 300    two scalars that compose
Syllables of Hangul are left out, since they follow from arithmetic. scripts.txt has one range a line, with its script.
The tables are those of the Python and the Perl at hand; both print their version.
"""

import pathlib
import subprocess
import sys
import unicodedata

out = pathlib.Path(sys.argv[1])
lines = []
for point in range(0x110000):
    if 0xD800 <= point < 0xE000 or 0xAC00 <= point < 0xD7A4:
        continue
    char = chr(point)
    canonical, compatible = unicodedata.normalize("NFD", char), unicodedata.normalize("NFKD", char)
    numbers = lambda text: " ".join(f"{ord(c):X}" for c in text)
    if canonical != char:
        lines.append(f"{point:X}={numbers(canonical)}")
    if compatible != canonical:
        lines.append(f"{point:X}~{numbers(compatible)}")
    parts = unicodedata.decomposition(char).split()
    if len(parts) == 2 and not parts[0].startswith("<"):
        pair = "".join(chr(int(p, 16)) for p in parts)
        if unicodedata.normalize("NFC", pair) == char:
            lines.append(f"{point:X}+{numbers(pair)}")
(out / "decompositions.txt").write_text("\n".join(lines) + "\n")

perl = """use Unicode::UCD 'prop_invmap'; my ($starts, $names, $format, $default) = prop_invmap('Script');
for my $i (0 .. $#$starts) { my $end = $i < $#$starts ? $$starts[$i + 1] - 1 : 0x10FFFF;
  printf("%X %X %s\\n", $$starts[$i], $end, $$names[$i]) if $$names[$i] ne 'Unknown'; }"""
scripts = subprocess.run(["perl", "-e", perl], capture_output=True, text=True, check=True).stdout
(out / "scripts.txt").write_text(scripts)
version = subprocess.run(["perl", "-MUnicode::UCD", "-e", "print Unicode::UCD::UnicodeVersion()"], capture_output=True, text=True)
print("decompositions of Unicode", unicodedata.unidata_version, "scripts of Unicode", version.stdout)

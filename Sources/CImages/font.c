#include <ft2build.h>
#include FT_FREETYPE_H

#include "internal.h"

struct apus_font {
  FT_Library library;
  FT_Face face;
};

void apus_font_close(apus_font *font) {
  if (font->face != NULL) FT_Done_Face(font->face);
  if (font->library != NULL) FT_Done_FreeType(font->library);
  free(font);
}

apus_font *apus_font_open(const char *path, char *error) {
  apus_font *font = calloc(1, sizeof *font);
  const char *message = NULL;
  if (font == NULL || FT_Init_FreeType(&font->library) != 0) {
    message = "no memory for FreeType";
  } else if (FT_New_Face(font->library, path, 0, &font->face) != 0) {
    message = "FreeType cannot read it as a font";
  } else if (!FT_HAS_COLOR(font->face) || font->face->num_fixed_sizes == 0) {
    message = "it has no colour bitmaps";
  } else if (FT_Select_Size(font->face, 0) != 0) {
    message = "its first bitmap size cannot be selected";
  }
  if (message == NULL) return font;
  apus_failure(APUS_MALFORMED, error, message);
  if (font != NULL) apus_font_close(font);
  return NULL;
}

int apus_font_load(apus_font *font, uint32_t code_point, uint32_t *width, uint32_t *height) {
  FT_UInt glyph = FT_Get_Char_Index(font->face, code_point);
  if (glyph == 0 || FT_Load_Glyph(font->face, glyph, FT_LOAD_COLOR) != 0) return 0;
  const FT_Bitmap *bitmap = &font->face->glyph->bitmap;
  if (font->face->glyph->format != FT_GLYPH_FORMAT_BITMAP ||
      bitmap->pixel_mode != FT_PIXEL_MODE_BGRA || bitmap->width == 0 || bitmap->rows == 0)
    return 0;
  *width = bitmap->width;
  *height = bitmap->rows;
  return 1;
}

void apus_font_copy(const apus_font *font, uint8_t *pixels) {
  const FT_Bitmap *bitmap = &font->face->glyph->bitmap;
  size_t row_bytes = (size_t)bitmap->width * 4;
  for (unsigned y = 0; y < bitmap->rows; y++)
    memcpy(pixels + y * row_bytes, bitmap->buffer + (ptrdiff_t)y * bitmap->pitch, row_bytes);
}

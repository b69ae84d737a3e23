#include <ft2build.h>
#include FT_FREETYPE_H
#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <zlib.h>

#include "internal.h"

// TurboJPEG's interface has no call for its version; its header does where libjpeg's is there too.
#if __has_include(<jconfig.h>)
#include <jconfig.h>
#endif
#define WORDS(x) #x
#define WORDS_OF(x) WORDS(x)

void apus_image_library_versions(apus_library_version versions[APUS_IMAGE_LIBRARIES]) {
  snprintf(versions[0].name, sizeof versions[0].name, "libpng");
  snprintf(versions[0].version, sizeof versions[0].version, "%s", png_get_libpng_ver(NULL));

  snprintf(versions[1].name, sizeof versions[1].name, "libjpeg-turbo");
#ifdef LIBJPEG_TURBO_VERSION
  snprintf(versions[1].version, sizeof versions[1].version, "%s", WORDS_OF(LIBJPEG_TURBO_VERSION));
#endif

  int webp = WebPGetDecoderVersion();
  snprintf(versions[2].name, sizeof versions[2].name, "libwebp");
  snprintf(versions[2].version, sizeof versions[2].version, "%d.%d.%d", webp >> 16 & 255,
           webp >> 8 & 255, webp & 255);

  snprintf(versions[3].name, sizeof versions[3].name, "freetype");
  FT_Library library;
  if (FT_Init_FreeType(&library) == 0) {
    int major = 0, minor = 0, patch = 0;
    FT_Library_Version(library, &major, &minor, &patch);
    FT_Done_FreeType(library);
    snprintf(versions[3].version, sizeof versions[3].version, "%d.%d.%d", major, minor, patch);
  }

  snprintf(versions[4].name, sizeof versions[4].name, "zlib");
  snprintf(versions[4].version, sizeof versions[4].version, "%s", zlibVersion());
}

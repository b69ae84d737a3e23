// Small parts of free data sets inside the binary, so that everything runs offline. Made by
// Reference/embedded.py; the licences lie beside the files in data/.
#ifndef APUS_CEmbedded_H
#define APUS_CEmbedded_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t *bytes;
  size_t count;
} apus_bytes;

// Fashion-MNIST, 10,000 training and 1,000 test pictures: IDX files in gzip.
apus_bytes apus_fashion_mnist_train_images(void);
apus_bytes apus_fashion_mnist_train_labels(void);
apus_bytes apus_fashion_mnist_test_images(void);
apus_bytes apus_fashion_mnist_test_labels(void);

// Every 30th gloss of WordNet, one a line: text in gzip.
apus_bytes apus_wordnet_glosses(void);

// Facts of Unicode, as Reference/unicode.py describes them.
apus_bytes apus_unicode_decompositions(void);
apus_bytes apus_unicode_scripts(void);

#endif

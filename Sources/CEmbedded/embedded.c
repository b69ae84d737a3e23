#include "CEmbedded.h"

// #embed is C23; clang accepts it in every mode and only remarks on it.
#pragma clang diagnostic ignored "-Wc23-extensions"

#define APUS_BYTES(array) ((apus_bytes){array, sizeof array})

apus_bytes apus_fashion_mnist_train_images(void) {
  static const uint8_t bytes[] = {
#embed "data/fashion-mnist/train-images-idx3-ubyte.gz"
  };
  return APUS_BYTES(bytes);
}

apus_bytes apus_fashion_mnist_train_labels(void) {
  static const uint8_t bytes[] = {
#embed "data/fashion-mnist/train-labels-idx1-ubyte.gz"
  };
  return APUS_BYTES(bytes);
}

apus_bytes apus_fashion_mnist_test_images(void) {
  static const uint8_t bytes[] = {
#embed "data/fashion-mnist/t10k-images-idx3-ubyte.gz"
  };
  return APUS_BYTES(bytes);
}

apus_bytes apus_fashion_mnist_test_labels(void) {
  static const uint8_t bytes[] = {
#embed "data/fashion-mnist/t10k-labels-idx1-ubyte.gz"
  };
  return APUS_BYTES(bytes);
}

apus_bytes apus_wordnet_glosses(void) {
  static const uint8_t bytes[] = {
#embed "data/wordnet/glosses.txt.gz"
  };
  return APUS_BYTES(bytes);
}

apus_bytes apus_unicode_decompositions(void) {
  static const uint8_t bytes[] = {
#embed "data/unicode/decompositions.txt"
  };
  return APUS_BYTES(bytes);
}

apus_bytes apus_unicode_scripts(void) {
  static const uint8_t bytes[] = {
#embed "data/unicode/scripts.txt"
  };
  return APUS_BYTES(bytes);
}

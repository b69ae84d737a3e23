// Empty on purpose: CImages includes the libraries' headers itself, and Swift sees only CImages.

import Testing

/// The instruction set and the number of threads belong to the process, so these tests run one after another.
@Suite(.serialized) struct SetsAndThreads {}

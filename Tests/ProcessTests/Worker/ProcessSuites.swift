import Testing

/// Tests of whole processes: one after the other, as each has a small lab of processes to itself.
@Suite(.serialized, .timeLimit(.minutes(2))) enum ProcessSuites {}

import ArgumentParser

/// How results are written to standard output.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Write JSON to standard output, for scripts: one object a line.")
    var json = false
}

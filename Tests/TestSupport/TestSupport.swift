// Filled by the commit that builds the first test against real processes.

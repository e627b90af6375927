import Configuration
import Provisioning
import Testing

@Suite struct StepNameTests {
    /// What `steps:` of the configuration limits is what the pipelines run: under one name, and all of it.
    @Test func everyStepHasItsLimitsInTheConfiguration() {
        #expect(StepName.allCases.map(\.rawValue) == StepSettings.names)
    }
}

import TestSupport
import World

/// What a worker.yaml of a lab says, beyond where everything is.
struct WorkerFile: Sendable {
    var slots = 4
    var logLevel = "info"
    var drainGrace = "20s"
    var pollInterval = "100ms"
    var password = "secret"
    /// For an nsupdate-web in host-list mode.
    var dnsPassword: String?
    /// The port that a server must answer at; nil: not checked.
    var sshPort: UInt16?
    /// Whether ssh-keyscan and ssh look at it, too.
    var usesSSH = false
    var asksDNS = true
    /// Lines of their own at the end.
    var more = ""

    func text(for lab: LabProcesses) -> String {
        let server = asksDNS ? ["server: '127.0.0.1:\(lab.sandbox.dnsPort)'"] : []
        let dns = server + (dnsPassword.map { ["password: '\($0)'"] } ?? [])
        let ssh =
            "check_port: \(sshPort != nil), port: \(sshPort ?? 22), check_host_keys: \(usesSSH), "
            + "check_sentinel: \(usesSSH), identity_file: '\(lab.folder)/id', known_hosts_folder: '\(lab.folder)/hosts'"
        return """
            lab_domain: \(LabProcesses.domain)
            site: process-tests
            lock_server: \(lab.sandbox.root)/paddles/
            nsupdate_url: \(lab.sandbox.root)/nsupdate/update
            broker: '\(lab.beanstalkd.endpoint)'
            slots: \(slots)
            drain_grace: \(drainGrace)
            retry_base: 50ms
            log: {format: json, level: \(logLevel)}
            ssh: {\(ssh)}
            dns: {\(dns.joined(separator: ", "))}
            libcloud:
              providers:
                \(LabProcesses.provider):
                  driver: openstack
                  driver_args:
                    username: cirrata
                    password: '\(password)'
                    ex_force_auth_url: \(lab.sandbox.root)/identity
                    ex_force_auth_version: 3.x_password
                    ex_tenant_name: lab
                  poll_interval: \(pollInterval)
            \(more)

            """
    }
}

/// Keys of teuthology.yaml that are none of ours: tolerated where both programs read one file. From teuthology's
/// `config.py` and its documentation of the site configuration.
enum TeuthologyKeys {
    static let site: Set<String> = [
        "active_machine_types", "ansible_inventory", "archive_base", "archive_server", "archive_upload",
        "archive_upload_key", "archive_upload_url", "automated_scheduling", "backend", "baseurl_template",
        "ceph_cm_ansible_git_url", "ceph_git_base_url", "ceph_git_url", "ceph_qa_suite_git_url",
        "check_package_signatures", "conserver_master", "conserver_port", "coverage_html_dir", "coverage_output_dir",
        "coverage_tools_dir", "default_machine_type", "docker_registry", "downburst", "fog", "fog_reimage_timeout",
        "fog_wait_for_ssh_timeout", "git_ceph_com", "gitbuilder_host", "githelper_base_url", "job_queue_backend",
        "job_threshold", "koji_task_url", "kojihub_url", "kojiroot_url", "maas", "max_job_age", "max_job_time",
        "package_source", "pcp_host", "pelagos", "registry", "results_email", "results_sending_email",
        "results_server", "results_timeout", "results_ui_server", "rocketchat", "s3", "sentry_dsn", "sentry_server",
        "shaman", "sleep_before_teardown", "src_base_path", "suite_allow_missing_packages", "suite_verify_ceph_hash",
        "teuthology_git_url", "teuthology_path", "tunnel", "use_conserver", "use_existing_cluster", "use_shaman",
        "verify_host_keys", "vps_host", "watchdog_interval",
    ]

    /// Of its `openstack:` section.
    static let openstack: Set<String> = [
        "clone", "default-userdata", "image", "images", "ip", "nameserver", "network", "nworkers", "selfname",
        "server", "subnet", "type", "upload", "user-data",
    ]
}

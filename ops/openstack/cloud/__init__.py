"""A real OpenStack of Debian's packages on loopback: its configuration, its processes and what is in it."""

"""Lets teuthology have its virtual machines built by Cirrata. See client.py and hook.py."""

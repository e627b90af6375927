"""Lets teuthology have its virtual machines built by Cirrata: client.py and hook.py. Tested with teuthology 1.3.0."""

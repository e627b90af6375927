"""Runs a service of OpenStack whose package has no program for it: launch.py NAME MODULE [OPTION...]

The folder of this file is where the fake drivers are. Nova loads drivers only from below nova.virt.
"""
import importlib
import os
import sys

name, module = sys.argv[1:3]
sys.argv = [name, *sys.argv[3:]]
# Nova's own modules patch the standard library for eventlet when they are imported, so they come first.
service = importlib.import_module(module)
if name == "nova-compute":
    import nova.virt

    nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
sys.exit(service.main())

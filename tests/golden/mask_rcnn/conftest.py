"""The scripts that need torchvision are looked into only where it is installed."""

from importlib.util import find_spec

SCRIPTS = ["make.py", "make_operations.py", "make_parts.py", "torchvision_networks.py"]
collect_ignore = [] if find_spec("torchvision") else SCRIPTS

"""EC2's networks: one module a kind. All modules beside this one are imported, so that the registry knows their types."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

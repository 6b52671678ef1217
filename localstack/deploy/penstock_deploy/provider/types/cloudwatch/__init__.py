"""CloudWatch, its logs, and EventBridge, which Pulumi counts to it: one module a kind, all of them imported here."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

"""One verb a file; each has a typer application named `app`. The table of them is in `penstock_ci.app`."""

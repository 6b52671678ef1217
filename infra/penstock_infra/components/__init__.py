"""One AWS capability a file; import the module that you use, so that a program loads only the services it needs."""

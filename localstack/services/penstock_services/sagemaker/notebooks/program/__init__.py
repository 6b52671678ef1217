"""What runs in JupyterLab's own environment; ``presigned`` is the services' too."""

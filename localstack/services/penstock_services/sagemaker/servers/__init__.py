"""Web servers that stand behind resources (MLflow's, JupyterLab's): programs from PyPI in environments of their own.

- ``environment`` makes the environment from the kit's lock on first use;
- ``keeping`` starts a server in the background, keeps it up, and ends it with the resource or with this process.
"""

"""What runs inside jobs and endpoints that name one of AWS's own images: each folder is one image's program.

These modules run in the job's environment, not in the services process: they import the libraries of that environment,
and nothing of `penstock_services` outside this folder.
"""

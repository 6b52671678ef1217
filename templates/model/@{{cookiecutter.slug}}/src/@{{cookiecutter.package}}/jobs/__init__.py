"""Entry points of the pipeline's processing jobs: `python -m @{{ cookiecutter.package }}.jobs.<step>`.

Each reads its inputs' folders, calls the module that does the work, and writes its outputs' folders.
"""

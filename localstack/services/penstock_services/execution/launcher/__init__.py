"""The launcher of one job or serving process: standard library only, few modules, so that it starts in milliseconds.

It runs outside of this project's packages (``launch.py`` puts this folder's parent on the path), so its modules import
one another relatively and nothing else of ours.
"""

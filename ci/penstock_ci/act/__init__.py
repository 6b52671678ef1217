"""GitHub workflows on this machine: `act` in host mode, without Docker and without a network.

`workflows` reads what a repository's workflows ask for, `environment` makes the scrubbed environment, `payload` the
event, `events` reads act's log, `runner` puts them together. The workflow files run unmodified: actions of the
marketplace are answered by the repository's own stand-ins in `.act/stubs`.
"""

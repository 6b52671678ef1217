"""The local cloud: one supervisor, one state folder, and the environment that it exports.

- `cloud`: up, down, status, reset, and the variables that point any AWS client at it;
- `supervisor`: the process that owns the gateway, the services process and the receiver;
- `environments`: the Python environments that those run in, from hash-pinned locks;
- `images`: what `penstock build` makes where there is no Docker;
- `state`: the layout of the state folder.
"""

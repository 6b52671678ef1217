"""Lambda functions as processes of this machine.

- ``provider`` is LocalStack's Lambda; it refuses what no process here can run;
- ``executor`` is the execution environment that LocalStack starts, keeps warm and stops;
- ``process`` is the one process in it, from its start to its end; it does not know LocalStack;
- ``runtime`` runs inside that process, as a script: it loads the handler and answers invocations;
- ``updates`` lets the old version of an updated function finish, and loses none of its events;
- ``unpacked`` keeps code on the disk for as long as a process runs from it;
- ``interpreters`` finds the Python that runs it, and what it may import beside its own code.
"""

"""Lambda functions as processes of this machine.

- ``provider`` is LocalStack's Lambda; it refuses what no process here can run;
- ``executor`` is the execution environment that LocalStack starts, keeps warm and stops;
- ``process`` is the one process in it, from its start to its end; it does not know LocalStack;
- ``runtime`` runs inside that process, as a script: it loads the handler and answers invocations;
- ``interpreters`` finds the Python that runs it, and what it may import beside its own code.
"""

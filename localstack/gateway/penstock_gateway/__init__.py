"""The gateway of the local cloud: LocalStack 4.14 on one port, with a thin extension of ours.

How it starts, and what it does with every request:

- ``python -m penstock_gateway --state-dir DIR --port PORT --services-url URL`` starts it (``__main__``), with
  ``settings``, on the ``loopback`` interface only;
- ``plugins`` tells LocalStack which of its plug-ins to load and adds ours: ``hooks``, ``providers`` of the folders
  below, and ``moto_services``, APIs that moto serves well enough;
- ``forward`` hands the SageMaker APIs, which ``routing`` recognizes, to the services process before LocalStack parses
  them.

What it does differently from LocalStack:

- ``objects`` keeps the bodies of S3 objects on disk below the state folder;
- ``functions`` runs Lambda functions as processes;
- ``events`` delivers EventBridge's events as AWS does, those of CloudWatch's alarms among them;
- ``schedules`` fires what is due: EventBridge Scheduler and rules with a schedule;
- ``sagemaker`` starts SageMaker's pipelines and jobs from events, schedules and state machines;
- ``state`` keeps what LocalStack holds in memory over restarts.

It runs in an environment of its own (``requirements/gateway.txt``), because LocalStack pins the past. Nothing else
imports it: everyone speaks AWS's protocols to its port.
"""

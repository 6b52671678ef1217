"""The gateway of the local cloud: LocalStack 4.14 on one port, with a thin extension of ours.

- ``python -m penstock_gateway --state-dir DIR --port PORT --services-url URL`` starts it (``__main__``);
- ``plugins`` tells LocalStack which of its plug-ins to load and adds ours;
- ``forward`` hands the SageMaker APIs to the services process before LocalStack parses them;
- ``s3_store`` keeps the bodies of S3 objects on disk below the state folder;
- ``moto_services`` exposes APIs that moto serves well enough;
- ``alarms`` puts changes of CloudWatch alarms on EventBridge, as AWS does;
- ``lambda_provider`` refuses functions that no process here can run; ``lambda_executor``, ``lambda_process`` and
  ``lambda_runtime`` run the others;
- ``scheduler`` checks schedules, ``schedule_records`` hands them to ``schedule_clock``, which reads
  ``schedule_expressions`` and fires ``schedule_targets``; ``rule_schedules`` does the same for EventBridge's rules;
- ``pipeline_target`` and ``states_sagemaker`` start SageMaker's pipelines and jobs from events and state machines.

It runs in an environment of its own (``requirements/gateway.txt``), because LocalStack pins the past. Nothing else
imports it: everyone speaks AWS's protocols to its port.
"""

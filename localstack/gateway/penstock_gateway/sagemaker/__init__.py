"""SageMaker, started from inside the gateway.

- ``control_plane`` calls the control plane in the services process;
- ``pipelines`` starts a pipeline's execution for every event that matches a rule;
- ``tasks`` runs SageMaker's jobs as tasks of Step Functions.
"""

"""EventBridge's events as AWS makes and delivers them.

- ``alarms`` puts changes of CloudWatch alarms on the bus, and looks at a metric as soon as it arrives;
- ``input_template`` makes a target's input from an event, and keeps it JSON;
- ``destinations`` delivers to API destinations, and to their dead-letter queues;
- ``receivers`` knows where the local GitHub receiver among them listens now;
- ``retries`` says how often and how long a delivery is tried; schedules and pipelines go by it, too.
"""

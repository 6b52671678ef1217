"""Schedules that fire: EventBridge Scheduler, and EventBridge's rules with a schedule expression.

- ``expressions`` reads `at(...)`, `rate(...)` and `cron(...)`: the next time after a moment;
- ``clock`` finds what is due, each time once, also over restarts; it does not know LocalStack;
- ``scheduler`` is the API of EventBridge Scheduler: it checks schedules as AWS does;
- ``records`` hands the clock the schedules that LocalStack holds, and makes the one clock of them;
- ``targets`` invokes what a schedule names, tries again, and dead-letters;
- ``rules`` gives EventBridge's scheduled rules a clock of the same kind.
"""

"""How an update goes: ``strategy`` makes steps of a DeploymentConfig, ``shifting`` takes them, ``alarms`` watch."""

"""`penstock demo`: the whole loop on this machine, stage by stage, through the verbs and APIs that a user has.

`settings` says what runs where and on how much data, `session` is what stages share, `stages/` has one file for each
stage, `running` runs them in order and always leaves `run.json`, `source` reads the example data.
"""

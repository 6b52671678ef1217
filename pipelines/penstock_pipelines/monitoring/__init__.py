"""Monitoring in the file formats of SageMaker Model Monitor.

- `statistics`: statistics.json of rows
- `constraints`: constraints.json, what later rows must satisfy
- `distance`: how far two distributions are apart
- `violations`: constraint_violations.json, where they do not
- `capture`: rows out of an endpoint's data capture
"""

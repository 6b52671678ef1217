"""What runs in AWS Lambda on the platform's behalf.

Only the standard library and boto3, which Lambda's Python runtimes bring: these modules are uploaded as they stand, under
their own names. Each has one `handler(event, context)` that reads its settings from the environment and calls a plain
function, which tests call with clients of their own.
"""

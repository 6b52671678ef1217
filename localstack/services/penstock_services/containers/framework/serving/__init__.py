"""``serve`` of the framework images: /ping, /invocations and /execution-parameters over the user's functions or the
image's own model.
"""

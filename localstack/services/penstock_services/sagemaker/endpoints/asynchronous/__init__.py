"""Asynchronous inference: ``runtime`` takes requests, ``backlog`` keeps and answers them, with ``storage`` on S3 and a
``notification`` by SNS; ``request`` is one of them."""

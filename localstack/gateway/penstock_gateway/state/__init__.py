"""What LocalStack keeps in memory, kept on disk: an answer that was sent survives a `kill -9` of this process.

Two SQLite files below `<state folder>/gateway/state`, both with a write-ahead log, so that a transaction that returned
is there after the process was killed (after a loss of power, the last ones may be missing; the files stay whole):

    s3.sqlite        buckets, objects (one row a key, with all its versions), uploads in progress
    services.sqlite  one row a service (everything it holds), one row a message of SQS, one row a PutLogEvents

Bodies of objects and data points of metrics are on disk already (`objects.store`; LocalStack's own file of metrics).
"""

"""Running user code as AWS runs containers: images, private ``/opt/ml``, data in and out, logs."""

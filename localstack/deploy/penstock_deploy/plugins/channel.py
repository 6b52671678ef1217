"""gRPC settings shared by all channels and servers of a deployment."""

_LARGEST_MESSAGE = 400 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ("grpc.so_reuseport", 0),
]

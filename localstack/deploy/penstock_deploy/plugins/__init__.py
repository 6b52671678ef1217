"""Resource providers as the engine sees them: one interface, reached in this process or over gRPC."""

"""A stack's state in the form of Pulumi's file backend: checkpoint, journal, secrets by passphrase, lock."""

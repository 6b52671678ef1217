"""The deployment engine: registrations of a program become steps, steps become state."""

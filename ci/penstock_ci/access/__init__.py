"""What a plan changes in who may do what: `rights` reads resources, `difference` compares two states, `telling` shows it."""

"""What an Autopilot job's own jobs run: analysis and split of a table, feature engineering, the training of a candidate."""

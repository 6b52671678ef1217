"""Speed, measured against peers in one run on one machine: `make bench`. Ratios, never a timed test."""

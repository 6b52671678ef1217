"""What serves: ``server`` is one process, ``variant`` its like for one model, ``serverless`` those on demand, ``fleet`` all
of one configuration."""

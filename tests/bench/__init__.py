"""How fast the hub is: requests, rows and storage calls counted, times only as ratios within one run. ``make bench``."""

"""How nightferry grows: measured here, and reckoned for the whole archive on AWS."""

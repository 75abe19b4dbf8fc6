"""The headline figures, each reproducible by one script that starts without arguments."""

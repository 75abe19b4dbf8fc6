"""Turns files at home into a split, encoded dataset."""

"""Listing, planning and copying of files. Only local folders so far."""

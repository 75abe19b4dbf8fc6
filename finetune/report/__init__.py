"""The report of a run: one HTML page that stands alone, for the person who decides whether the model ships."""

"""What the baselines are called, in run.json and where people read of them."""

MAJORITY = "majority"
TFIDF = "tfidf"

BASELINES = {MAJORITY: "the majority label", TFIDF: "TF-IDF + logistic regression"}
"""Names that read well after "above", in a sentence of the report as in the table on the terminal."""

"""Data checks: what of labels and texts would spoil a training, found before it begins."""

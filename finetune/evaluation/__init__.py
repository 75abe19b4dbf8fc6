"""How a trained model is judged: its predictions, their scores, simple baselines and what it gets wrong."""

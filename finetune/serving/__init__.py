"""How a trained model is used: its package, the code in it that answers requests, and the server around that."""

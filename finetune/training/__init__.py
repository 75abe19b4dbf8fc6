"""How a model is tried, trained, saved and loaded. torch and transformers live here."""

"""The command line: one file a command. ZenML, torch and pandas are imported inside the command that needs them."""

"""The command line: one file a command. ZenML, torch and pandas are imported only inside the command that needs them."""

"""IAM policies as files; README.md gives each statement's reason."""

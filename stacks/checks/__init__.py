"""What a stack needs in AWS and of ZenML's server: one file a subject, put in order by order.py."""

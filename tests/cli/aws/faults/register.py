"""Registers the stack `sagemaker`, and prints its id."""

from stacks.apply import apply

if __name__ == "__main__":
    print("id", apply("sagemaker"))

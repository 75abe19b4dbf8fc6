"""One file a step: it takes its section of the config, calls into finetune/, and publishes the result."""

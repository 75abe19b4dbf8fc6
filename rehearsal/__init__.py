"""SageMaker's API on this machine, in which submitted jobs really run. README.md says what is real."""

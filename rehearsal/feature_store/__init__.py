"""SageMaker Feature Store: groups, their online store in memory, and their offline store as Parquet files in S3."""

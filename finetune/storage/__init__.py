"""Files on local disks and in S3: listing, planning, copying, locking."""

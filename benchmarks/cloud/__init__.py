"""What the merged cloud holds, and what merging takes."""

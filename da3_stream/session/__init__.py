"""What a run needs around the stages: the job, the place of windows, the record, the outputs."""

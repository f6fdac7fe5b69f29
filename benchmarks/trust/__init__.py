"""A bank of runs with truth: does the run know when it is wrong?

From the ground up: `inputs` (what a camera saw and where it was, and what is done to that), `families` (ladders of
severity), `bank` (all ladders and jobs), `labels` (right and wrong poses), `records` (what is kept of a run), `runner`
(one run), `ladders` (all runs), `statistics`, `scoring`, `calibration` and `__main__` (the command line).
"""

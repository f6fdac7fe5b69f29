"""Two builds of the package on the same clips: `cases` (which), `watching` and `runs` (one run), `records` (what is
kept of it), `comparison` and `verdicts` (what it comes to), `peers` (other systems)."""

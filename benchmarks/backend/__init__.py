"""How well the back-end does: alignments, pose graphs, loops and scales, beside today's pipelines."""

"""One command for each question: `python -m benchmarks.NAME --help`; results/README.md lists them."""

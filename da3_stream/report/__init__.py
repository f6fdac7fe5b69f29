"""What a run did and how it went, for people: facts over its files, words, the terminal's screen, report.html."""

from .facts import info, path_length
from .page import write_report

__all__ = ["info", "path_length", "write_report"]

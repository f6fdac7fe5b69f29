"""How far something is, for people on stderr and for programs as events; knows nothing of what it is that goes on."""

from .bar import Bar, Figures, open_bar, say
from .events import Listener, ignore, paced

__all__ = ["Bar", "Figures", "Listener", "ignore", "open_bar", "paced", "say"]

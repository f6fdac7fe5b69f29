"""A scene as a camera sees it: rays cast to exact depth, colours, and what a real lens and sensor add."""

"""A run as one page: an HTML file that shows it without a server, within so many megabytes.

`budget` chooses points, `blocks` cuts them out of levels of detail, `selection` leaves out frames that are not wanted,
`pictures` makes thumbnails, `figures` a table of the report's numbers, `document` the file; `exporting` puts them
together.
"""

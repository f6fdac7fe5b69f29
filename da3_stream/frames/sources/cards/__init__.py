"""Files as cameras leave them on a card: which are footage, of which camera each is, in which order they follow."""

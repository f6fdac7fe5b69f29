"""What stands and moves in the town and in the room: geometry with the numbers of its textures."""

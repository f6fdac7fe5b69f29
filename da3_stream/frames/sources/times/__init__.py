"""The times of pictures: from lists, file names, photographs' EXIF data, or assumed."""

"""From tokens to results: dense maps, cameras, rays, and metres."""

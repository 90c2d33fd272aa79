"""What a version looks like, drawn in processes of their own: reports, regions, differences, vector tiles."""

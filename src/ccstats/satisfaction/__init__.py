"""What did customers say, and how well were they served? Surveys, resolution, quality, complaints (EN 15838, 8, 7.5, 7.8, 5.5, 5.6)."""

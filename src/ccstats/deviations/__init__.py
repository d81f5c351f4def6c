"""Control of deviations (EN 15838, 7.4 and 7.10): what is unusual, where plan and actual parted and why, and what an outage cost."""

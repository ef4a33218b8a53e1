"""The evidence browser: pages, feeds and a JSON API over the database that the job writes."""

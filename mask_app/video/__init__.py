"""Videos: the page, one session's files, the jobs that process them, and when who wore no mask."""

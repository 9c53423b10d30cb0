"""How many people were seen, minute by minute, over days: the file, and its page.

store.py             the file, an SQLite database
recorder.py          counts the people of a stream for it
cameras.py           which streams are recorded
sessions.py          the file as all sessions share it
page.py              days and hours for the person who runs the app
"""

"""Where everything lies: SQLite in one data folder, written by one thread in group commits."""

"""Is everything there and sound: rows counted, indexes and tables read closely."""

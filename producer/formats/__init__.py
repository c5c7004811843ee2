"""The formats a book can come in; `producer.books` chooses among them."""

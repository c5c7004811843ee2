"""The formats a book can come in; `producer.books.reader` chooses among them."""

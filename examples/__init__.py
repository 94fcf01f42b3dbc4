"""Complete programs that use the library; the documentation shows them, the tests run them."""

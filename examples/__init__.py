"""Complete programs that use the library; USAGE.md explains them, the tests run them."""

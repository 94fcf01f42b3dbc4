"""Those who are measured: one module for each library, used as its own documentation says."""

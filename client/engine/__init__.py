"""One operation from its beginning to its end; knows no strategy, no httpx, no clock."""

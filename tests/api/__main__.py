"""`./dev api`: writes docs/api.txt anew, from the code as it stands."""

from tests.api.listing import FILE, listing

FILE.write_text(listing(), "utf-8")

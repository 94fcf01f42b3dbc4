"""HTTP/2 connections of our own, in httpcore's pools, over h2."""

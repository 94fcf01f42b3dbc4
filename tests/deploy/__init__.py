"""What ships in `deploy/`, against the metrics that there are and a real Prometheus."""

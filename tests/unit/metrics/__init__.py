"""What is counted of operations: histograms, targets, snapshots."""

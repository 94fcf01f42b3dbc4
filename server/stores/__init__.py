"""What one server knows: faults, the ledger, the answers of a test's own. No HTTP in here."""

"""The circuit breaker: its states are pybreaker's, the admission and the counting are ours."""

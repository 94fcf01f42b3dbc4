"""Real SDKs with our clients inside; each test runs where its SDK is installed."""

"""What the strategies come to under load, played through on virtual time: minutes in seconds."""
